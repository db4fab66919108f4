"""A Prometheus of ours, placed as containers on a host: deployed last, never in EXEC's way."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import yaml

from lab import settings
from lab.host import LabHost
from lab.watch import RECEIVER_PORT, Notification, Watch, receiver
from tests.lab.conftest import Site
from tests.lab.operator import exctl, left_well
from tests.lab.workspace import STACK

pytestmark = [pytest.mark.lab, pytest.mark.long]
EXPORTER_PORT = 9640
NAMES = ("exec-prometheus", "exec-alertmanager", "exec-blackbox-exporter")
DATA = ("exec-prometheus-data", "exec-alertmanager-data")
ALERT = "ExecPairWithoutRedundancy"


@dataclass
class Watched:
    """The site, the host that watches it, and what has reached anybody."""

    site: Site
    host: LabHost
    watch: Watch

    def up(self) -> dict[str, str]:
        return {s["metric"]["job"]: s["value"][1] for s in self.watch.query("min by (job) (up)")}

    def containers(self) -> dict[str, str]:
        """Name → id and when it was started."""
        words = ("--format", "{{.Name}} {{.Id}} {{.State.StartedAt}} {{.RestartCount}}")
        said = self.host.run("docker", "inspect", *words, *NAMES)
        return dict(line.removeprefix("/").split(" ", 1) for line in said.splitlines())

    def volumes(self) -> set[str]:
        return set(self.host.run("docker", "volume", "ls", "--quiet").split())


def calls(receiver_url: str) -> dict[str, Any]:
    """An alertmanager.yml of a site's own: somebody is called, and soon."""
    return {
        "route": {
            "receiver": "phone",
            "group_by": ["stack", "alertname"],
            "group_wait": "1s",
            "group_interval": "1s",
        },
        "receivers": [
            {"name": "phone", "webhook_configs": [{"url": receiver_url, "send_resolved": True}]}
        ],
    }


@pytest.fixture(scope="module")
def watched(site: Site) -> Iterator[Watched]:
    plan = site.lab.plan
    host = site.lab.host(plan.address(105))  # none of EXEC's in this site
    watch = Watch(host.address)

    def note(found: Notification) -> None:
        watch.notifications.append(found)
        print(found)

    url = f"http://{plan.operator}:{RECEIVER_PORT}/phone"
    (site.work.directory / "alertmanager.yml").write_text(yaml.safe_dump(calls(url)))
    site.work.edit("registry.infra_repository", f"{plan.registry}/{settings.INFRA}")
    tagged = {"tag": settings.WATCHERS_TAG}
    site.work.edit("gate.interval_seconds", 0.2)
    site.work.edit("logs.retention_days", 14)
    site.work.remove("monitoring.alertmanagers")
    site.work.remove("monitoring.blackbox")
    for name, value in {
        "host": host.address,
        "scrape_interval_seconds": 1,
        "prometheus": tagged | {"resources": {"memory_mib": 512}},
        "alertmanager": tagged | {"config_path": "alertmanager.yml"},
        "blackbox_exporter": tagged,
    }.items():
        site.work.edit(f"monitoring.{name}", value)
    said = site.work.up().text
    assert f"then, with EXEC done, monitoring on {host.address}: Prometheus" in said
    assert f"watched by prometheus http://{host.address}:9090" in said, said
    words = ("--listen", f"{plan.operator}:{EXPORTER_PORT}", "--interval-seconds", "1")
    exporter = site.work.start("exctl", "exporter", *words, "--host-interval-seconds", "5")
    try:
        with receiver(plan.operator, note):
            found = Watched(site, host, watch)
            site.wait_until(lambda: set(found.up().values()) == {"1"}, "every job to be up", 60)
            site.wait_until(lambda: not watch.alerts(), "alerts of the start to end", 60)
            yield found
    finally:
        exporter.terminate()
        exporter.communicate(timeout=20)
        for name in NAMES:
            host.run("docker", "rm", "--force", name, check=False)


@pytest.fixture(autouse=True)
def _left_well(watched: Watched) -> Iterator[None]:
    yield from left_well(watched.site)


def test_what_is_placed_scrapes_every_instance_and_calls_somebody(watched: Watched) -> None:
    site, watch = watched.site, watched.watch
    assert watched.up() == {"exec-exporter": "1", "exec-services": "1", "exec-blackbox": "1"}
    assert {s["metric"]["instance"] for s in watch.query("probe_success == 1")} == set(site.hosts)
    assert site.work.outputs()["monitoring"]["prometheus"] == f"http://{watch.address}:9090"
    site.set_fault("excp-1-2", "hang")
    site.wait_until(lambda: bool(watch.notifications), "an alert", 90)
    told = watch.notifications[-1]
    assert (told.receiver, told.status, told.labels["alertname"]) == ("phone", "firing", ALERT)
    site.clear_faults("excp-1-2")
    site.wait_until(lambda: len(watch.notifications) > 1, "it to resolve", 60)
    assert [n.status for n in watch.notifications] == ["firing", "resolved"]


def test_a_changed_configuration_is_read_without_a_restart(watched: Watched) -> None:
    site, before = watched.site, watched.containers()
    exctl(site, "stop", "excp", "--pair", "1", "--host", "2", "--yes")
    site.wait_until(
        lambda: len(watched.watch.query('up{job="exec-services"}')) == len(site.hosts) - 1,
        "the stopped instance to be no target",
    )
    exctl(site, "start", "excp", "--pair", "1", "--host", "2", "--yes")
    assert watched.containers() == before


def runs_of_pulumi(site: Site) -> int:
    words = ("stack", "history", "--json", "--page-size", "1000", "--stack", STACK)
    return len(json.loads(site.work.pulumi(*words).stdout))


def test_a_run_costs_no_second_one_for_what_is_as_it_was(watched: Watched) -> None:
    site = watched.site
    exctl(site, "up", "--yes")
    count = runs_of_pulumi(site)
    assert f"watched by prometheus http://{watched.host.address}" in exctl(site, "up", "--yes").text
    assert runs_of_pulumi(site) == count + 1
    found = json.loads(exctl(site, "doctor", "--json").stdout)
    of_host = [each for each in found if each["check"].startswith("monitoring-")]
    assert {each["verdict"] for each in of_host} == {"passed"}
    assert len(of_host) == 9
    assert "watched by prometheus" in exctl(site, "status").stdout

    watched.host.run("docker", "stop", "exec-blackbox-exporter")
    assert "NOT WATCHED by blackbox-exporter" in exctl(site, "status").stdout
    (only,) = json.loads(exctl(site, "drift", "--json", code=4).stdout)
    assert only["instance"] == "monitoring-blackbox-exporter"
    assert "start it again with: exctl up" in only["what"]
    exctl(site, "up", "--yes")
    assert runs_of_pulumi(site) == count + 3
    words = ("--format", "{{.State.Running}}", "exec-blackbox-exporter")
    assert watched.host.run("docker", "inspect", *words).strip() == "true"


def test_a_configuration_that_is_refused_fails_where_it_is_required_and_the_one_before_stays(
    watched: Watched,
) -> None:
    site, before = watched.site, watched.containers()
    path = site.work.directory / "alertmanager.yml"
    good = path.read_text()
    path.write_text("route: {receiver: nobody-of-that-name}\n")
    site.work.edit("monitoring.required", True)
    said = exctl(site, "up", "--yes", code=1).text
    assert "which monitoring.required asks for" in said
    assert "exec-alertmanager refuses its new configuration" in said
    assert 'undefined receiver \\"nobody-of-that-name\\"' in said
    site.work.edit("monitoring.required", False)
    path.write_text(good)
    assert "warning" not in exctl(site, "up", "--yes").text
    assert watched.containers() == before


def test_a_host_that_is_silent_holds_nothing_and_is_named(watched: Watched) -> None:
    site = watched.site
    site.set_fault(watched.host.name, "daemon-stopped")
    said = exctl(site, "up", "--yes").text
    assert "warning: EXEC is deployed and healthy" in said
    assert f"{watched.host.address} answers over SSH, but Docker on it doesn't" in said
    site.clear_faults(watched.host.name)


def crontab(site: Site, key: str) -> str:
    return site.host(key).run("crontab", "-l", "-u", settings.USER, check=False)


def test_old_log_files_are_removed_by_the_users_crontab(watched: Watched) -> None:
    site = watched.site
    (line,) = crontab(site, "excp-1-1").splitlines()
    assert line.endswith("# exec-retention dev")
    address = site.hosts["excp-1-1"]
    logs = settings.HOST_LOG_PATH
    old, other = f"excp-.20250101_120000_123_1_{address}.log", "of-somebody-else.log"
    site.lab.ssh(address, f"cd {logs} && touch -d '15 days ago' {old} {other}")
    written = set(site.host("excp-1-1").run("ls", logs).split())
    assert {old, other} <= written
    assert site.lab.ssh(address, line.split(" ", 5)[5]).returncode == 0
    assert set(site.host("excp-1-1").run("ls", logs).split()) == written - {old}


def test_destroy_leaves_what_was_collected(watched: Watched) -> None:
    site = watched.site
    said = exctl(site, "destroy", "--yes").text
    assert "The data of Prometheus and the others stays on their volumes." in said
    assert not watched.host.run("docker", "ps", "--all", "--quiet").split()
    assert set(DATA) <= watched.volumes()
    assert not any(crontab(site, key) for key in site.hosts)
    site.work.up()
    site.wait_until(lambda: bool(watched.watch.query("up")), "Prometheus to serve again")
    assert watched.watch.query("count_over_time(exec_instance_up[1h]) > 60")
