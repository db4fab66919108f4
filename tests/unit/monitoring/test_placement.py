"""What is placed at `monitoring.host`: programs, files, addresses; and how files are taken."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from health.errors import GateError
from health.probe import Answer
from hosts.answer import HostAnswer
from hosts.container import ContainerState
from hosts.shell import DOCKER_SOCKET
from monitoring.placement import placement, settled
from monitoring.program import CONFIG, Placement
from monitoring.settling import Settling
from tests.unit.exctl.sites import make_site
from tests.unit.health.fakes import OK, REFUSED, RUNNING, FakeClock, FakeContainer
from tests.unit.stack_file import StackFile, problem

HOST = "10.77.0.50"
PLACED = {"host": HOST, "exporter": "10.77.0.1:9640"}


def placed(own_routes: str | None = None, /, **monitoring: Any) -> Placement:
    site = make_site(
        monitoring=PLACED | monitoring, registry__infra_repository="registry.example.com/infra"
    )
    found = placement(site.config, site.layout, site.stack, own_routes)
    assert found is not None
    return found


def test_without_a_host_nothing_is_placed() -> None:
    site = make_site()
    assert placement(site.config, site.layout, site.stack) is None
    assert settled(site.config.monitoring) == site.config.monitoring


def test_images_come_from_the_infra_repository_pinned() -> None:
    digest = f"sha256:{'a' * 64}"
    found = placed(prometheus={"tag": "v9"}, alertmanager={"digest": digest})
    assert [program.image for program in found.programs] == [
        "registry.example.com/infra/prometheus:v9",
        f"registry.example.com/infra/alertmanager@{digest}",
        "registry.example.com/infra/blackbox-exporter:v0.26.0",
    ]


def test_prometheus_is_told_of_the_alertmanager_and_blackbox_exporter_beside_it() -> None:
    (prometheus, *_) = placed(alertmanager={"port": 19093}).programs
    content = yaml.safe_load(prometheus.files[f"{CONFIG}/prometheus.yml"])
    assert content["alerting"]["alertmanagers"][0]["static_configs"][0]["targets"] == [
        f"{HOST}:19093"
    ]
    jobs = {job["job_name"]: job for job in content["scrape_configs"]}
    assert jobs["exec-blackbox"]["relabel_configs"][-1]["replacement"] == f"{HOST}:9115"
    assert jobs["exec-exporter"]["static_configs"] == [{"targets": ["10.77.0.1:9640"]}]
    assert f"{CONFIG}/targets/dev.services.json" in prometheus.files


def test_an_alertmanager_of_ones_own_is_told_and_none_is_placed() -> None:
    found = placed(alertmanagers=["calls.example.com:9093"])
    assert [program.name for program in found.programs] == ["prometheus", "blackbox-exporter"]
    assert "calls.example.com:9093" in found.programs[0].files[f"{CONFIG}/prometheus.yml"]


def test_a_run_silences_at_the_alertmanager_that_is_placed() -> None:
    site = make_site(monitoring=PLACED, registry__infra_repository="r.example.com/infra")
    assert settled(site.config.monitoring).silence_url == f"http://{HOST}:9093"


def test_a_configuration_of_ones_own_goes_to_alertmanager_alone() -> None:
    prometheus, alertmanager, _ = placed("route: {receiver: phone}\n").programs
    assert alertmanager.files == {f"{CONFIG}/alertmanager.yml": "route: {receiver: phone}\n"}
    assert not any("alertmanager.yml" in path for path in prometheus.files)


def test_grafana_has_its_password_as_a_secret_and_our_dashboards() -> None:
    file = StackFile().put("monitoring", PLACED | {"grafana": {"enabled": True}})
    file.put("registry.infra_repository", "r.example.com/infra")
    assert [found for found in file.problems() if "grafanaPassword" in found]
    file.values["grafanaPassword"] = "hidden"
    file.secret_keys.add("grafanaPassword")
    config = file.config()
    found = placement(config, make_site().layout, "dev")
    assert found is not None
    grafana = found.programs[-1]
    assert grafana.secret_environment == {"GF_SECURITY_ADMIN_PASSWORD": "grafanaPassword"}
    assert f"{CONFIG}/dashboards/exec-stack.json" in grafana.files
    assert grafana.environment["EXEC_PROMETHEUS_URL"] == f"http://{HOST}:9090"


def test_portainer_has_its_password_as_a_secret_file_and_the_hosts_docker() -> None:
    file = StackFile().put("monitoring", PLACED | {"portainer": {"enabled": True, "port": 9444}})
    file.put("registry.infra_repository", "r.example.com/infra")
    assert [found for found in file.problems() if "portainerPassword" in found]
    file.values["portainerPassword"] = "hidden"
    file.secret_keys.add("portainerPassword")
    found = placement(file.config(), make_site().layout, "dev")
    assert found is not None
    portainer = found.programs[-1]
    assert portainer.image == "r.example.com/infra/portainer-ce:2.27.4"
    ((path, secret),) = portainer.secret_files.items()
    assert secret.text("hidden") == "hidden"
    assert secret.secret == "portainerPassword"
    assert f"--admin-password-file={path}" in portainer.arguments
    assert {"--bind-https=:9444", "--http-disabled"} <= set(portainer.arguments)
    assert portainer.host_paths == (DOCKER_SOCKET,)
    assert found.urls()["portainer"] == f"https://{HOST}:9444"


def test_without_being_asked_for_nothing_has_the_hosts_docker() -> None:
    assert not any(program.host_paths for program in placed().programs)


def test_what_is_placed_is_taken_by_prometheus_own_tool(tmp_path: Path) -> None:
    if (promtool := shutil.which("promtool")) is None:
        pytest.skip("no promtool here")
    for path, text in placed().programs[0].files.items():
        target = tmp_path / Path(path).relative_to(CONFIG)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    words = [promtool, "check", "config", "prometheus.yml"]
    run = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.parametrize(
    ("settings", "path", "words"),
    [
        ({"exporter": "localhost:9640"}, "monitoring.exporter", "localhost:9640 is the host that"),
        (
            {"prometheus": {"port": 9093}},
            "monitoring.alertmanager.port",
            f"port 9093 on {HOST} is taken by monitoring.prometheus.port",
        ),
        (
            {"host": "10.77.0.102", "prometheus": {"port": 3630}},
            "monitoring.prometheus.port",
            "port 3630 on 10.77.0.102 is taken by exas",
        ),
        (
            {"portainer": {"enabled": True, "port": 9090}},
            "monitoring.portainer.port",
            f"port 9090 on {HOST} is taken by monitoring.prometheus.port",
        ),
        ({"prometheus": {"tag": "latest"}}, "monitoring.prometheus.tag", "'latest' moves"),
    ],
)
def test_what_can_not_be_placed_is_refused(settings: dict[str, Any], path: str, words: str) -> None:
    file = StackFile().put("monitoring", PLACED | settings)
    file.values["portainerPassword"] = "hidden"
    file.secret_keys.add("portainerPassword")
    (found,) = file.put("registry.infra_repository", "r.example.com/infra").problems()
    assert found.startswith(problem(path, words)[: -1 if words[-1] == "." else None])


def test_a_host_without_a_place_of_images_is_refused() -> None:
    (found,) = StackFile().put("monitoring", PLACED).problems()
    assert "registry.infra_repository" in found
    assert "monitoring.host is" in found


@dataclass
class Served:
    """A program that answers `ready`, and takes its files at a reload if they are `good`."""

    container: FakeContainer = field(default_factory=FakeContainer)
    ready: list[Answer] = field(default_factory=lambda: [OK])
    is_good: bool = True
    stamp: int = 1
    clock: FakeClock = field(default_factory=FakeClock)

    def probe(self, url: str) -> Answer:
        if url.endswith("/metrics"):
            return Answer(200, f"x_success_timestamp_seconds {self.stamp}\n".encode())
        return self.ready.pop(0) if len(self.ready) > 1 else self.ready[0]

    def reload(self) -> HostAnswer:
        self.stamp += self.is_good
        return HostAnswer(0, "", "")

    def settling(self) -> Settling:
        url = f"http://{HOST}:9090"
        words = (self.container, self.probe, self.reload, self.clock)
        return Settling("exec-prometheus", url, *words)


def test_a_program_that_serves_reads_its_files_again() -> None:
    served = Served(ready=[REFUSED, REFUSED, OK])
    served.settling().wait_until_ready("/-/ready")
    served.settling().read_again("x")
    assert served.stamp == 2


def test_files_that_are_refused_are_told_with_the_programs_last_words() -> None:
    served = Served(is_good=False, container=FakeContainer(lines=("a", "b", "c", "undefined x")))
    with pytest.raises(GateError, match="refuses its new configuration") as error:
        served.settling().read_again("x")
    assert error.value.failure.lines == ("its last words:", "b", "c", "undefined x")


def test_a_program_that_ends_again_and_again_is_given_up_at_once() -> None:
    states = [RUNNING, *(ContainerState("restarting", 1, count) for count in (1, 2))]
    served = Served(ready=[REFUSED], container=FakeContainer(states))
    with pytest.raises(GateError, match="ends again and again"):
        served.settling().wait_until_ready("/-/ready")
    assert served.clock.now < 1010


def test_another_server_on_its_port_is_not_taken_for_it() -> None:
    restarting = ContainerState("restarting", 1, 0)
    served = Served(container=FakeContainer([restarting]))
    with pytest.raises(GateError, match="doesn't serve at"):
        served.settling().wait_until_ready("/-/ready")
