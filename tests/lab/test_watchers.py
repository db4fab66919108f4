"""A Prometheus of ours, placed as containers on a host: deployed last, never in EXEC's way."""

from __future__ import annotations

import json
import ssl
import urllib.error
import urllib.request
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
from tests.log_store import LOG_STORE_PORT, Line, log_store

pytestmark = [pytest.mark.lab, pytest.mark.long]
EXPORTER_PORT = 9640
NAMES = ("exec-prometheus", "exec-alertmanager", "exec-blackbox-exporter", "exec-portainer")
DATA = ("exec-prometheus-data", "exec-alertmanager-data", "exec-portainer-data")
PORTAINER_PASSWORD = "of the placed Portainer"
STORE_PASSWORD = "of the $${log} store"
ALERT = "ExecPairWithoutRedundancy"


@dataclass
class Watched:
    """The site, the host that watches it, and what has reached anybody."""

    site: Site
    host: LabHost
    watch: Watch
    shipped: list[Line]

    def up(self) -> dict[str, str]:
        return {s["metric"]["job"]: s["value"][1] for s in self.watch.query("min by (job) (up)")}

    def containers(self) -> dict[str, str]:
        """Name → id and when it was started."""
        words = ("--format", "{{.Name}} {{.Id}} {{.State.StartedAt}} {{.RestartCount}}")
        said = self.host.run("docker", "inspect", *words, *NAMES)
        return dict(line.removeprefix("/").split(" ", 1) for line in said.splitlines())

    def all_run(self) -> bool:
        words = ("docker", "ps", "--filter", "status=running", "--format", "{{.Names}}")
        return set(NAMES) <= set(self.host.run(*words, check=False).split())

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
        "portainer": tagged | {"enabled": True},
    }.items():
        site.work.edit(f"monitoring.{name}", value)
    site.work.secret("portainerPassword", PORTAINER_PASSWORD)
    url = f"http://{plan.operator}:{LOG_STORE_PORT}"
    own = {"url": f"{url}/loki/api/v1/push", "user": "exec", "tag": settings.WATCHERS_TAG}
    site.work.edit("logging.shipping", own)
    site.work.secret("shippingPassword", STORE_PASSWORD)
    said = site.work.up().text
    assert f"then, with EXEC done, monitoring on {host.address}: Prometheus" in said
    assert f"watched by prometheus http://{host.address}:9090" in said, said
    assert f"log files shipped by alloy from 4 hosts to {url}/loki/api/v1/push" in said, said
    words = ("--listen", f"{plan.operator}:{EXPORTER_PORT}", "--interval-seconds", "1")
    exporter = site.work.start("exctl", "exporter", *words, "--host-interval-seconds", "5")
    try:
        with receiver(plan.operator, note), log_store(plan.operator) as shipped:
            found = Watched(site, host, watch, shipped)
            site.wait_until(lambda: set(found.up().values()) == {"1"}, "every job to be up", 60)
            site.wait_until(lambda: not watch.alerts(), "alerts of the start to end", 60)
            yield found
    finally:
        exporter.terminate()
        exporter.communicate(timeout=20)
        for name in NAMES:
            host.run("docker", "rm", "--force", name, check=False)
        for key in site.hosts:
            site.docker(key, "rm", "--force", "exec-alloy", "exec-filebeat")


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


def ask_portainer(watched: Watched, path: str, token: str = "", **login: str) -> Any:
    """Its answer to a GET, or to a login; None if it refuses."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    url = f"https://{watched.host.address}:9443{path}"
    body = json.dumps(login).encode() if login else None
    request = urllib.request.Request(url, body, {"Authorization": f"Bearer {token}"})
    try:
        with urllib.request.urlopen(request, context=context, timeout=5) as answer:
            return json.load(answer)
    except urllib.error.HTTPError:
        return None


def test_portainers_admin_has_the_secret_and_sees_the_hosts_docker(watched: Watched) -> None:
    assert ask_portainer(watched, "/api/auth", username="admin", password="another") is None
    words = {"username": "admin", "password": PORTAINER_PASSWORD}
    token = ask_portainer(watched, "/api/auth", **words)["jwt"]
    found = ask_portainer(watched, "/api/endpoints/1/docker/containers/json", token)
    assert {f"/{name}" for name in NAMES} == {name for each in found for name in each["Names"]}
    site = watched.site
    state = site.work.pulumi("stack", "export", "--stack", STACK).stdout
    assert "exec-portainer" in state
    assert PORTAINER_PASSWORD not in state
    assert PORTAINER_PASSWORD not in watched.host.run("docker", "inspect", "exec-portainer")
    points = json.loads(exctl(site, "doctor", "--security", "--json").stdout)
    (point,) = [each for each in points if each["point"] == "portainer"]
    assert point["host"] == watched.host.address


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
    assert len(of_host) == 11 + 3 * len(site.hosts)
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
    site.wait_until(watched.all_run, "each to be started again")
    before = watched.containers()
    pid = watched.host.run("docker", "inspect", "--format", "{{.State.Pid}}", "exec-prometheus")
    watched.host.run("kill", "-KILL", pid.strip())
    site.wait_until(
        lambda: watched.containers() != before and watched.all_run(), "it after a crash"
    )


def write(site: Site, key: str, text: str) -> None:
    """Appends a line to the newest log file of an instance."""
    newest = f"$(ls -t {settings.HOST_LOG_PATH}/{key.split('-')[0]}*.log | head -n 1)"
    site.host(key).run("sh", "-c", f'echo "{text}" >>"{newest}"')


def hosts_where(watched: Watched, query: str) -> set[tuple[str, str]]:
    """Host and agent of each series that the query finds."""
    found = [series["metric"] for series in watched.watch.query(query)]
    return {(labels["host"], labels["agent"]) for labels in found}


def test_a_line_that_an_instance_logs_reaches_the_store_with_labels_and_once(
    watched: Watched,
) -> None:
    site, shipped = watched.site, watched.shipped
    site.wait_until(
        lambda: {line.labels["instance"] for line in shipped} == set(site.hosts), "each one's lines"
    )
    assert {line.login for line in shipped} == {f"exec:{STORE_PASSWORD}"}
    write(site, "excp-1-2", "before it ends")
    site.wait_until(lambda: "before it ends" in [line.text for line in shipped], "the line")
    site.docker("excp-1-2", "stop", "exec-alloy")
    assert "LOG FILES NOT SHIPPED by alloy on" in exctl(site, "status").stdout
    ended = {(site.hosts["excp-1-2"], "alloy")}
    site.wait_until(lambda: hosts_where(watched, "exec_log_shipper_up == 0") == ended, "the metric")
    assert len(hosts_where(watched, "exec_log_shipper_up == 1")) == len(site.hosts) - 1
    write(site, "excp-1-2", "while it is away")
    exctl(site, "up", "--yes")
    site.wait_until(lambda: "while it is away" in [line.text for line in shipped], "the line")
    found = [line for line in shipped if line.text in ("before it ends", "while it is away")]
    assert [line.text for line in found] == ["before it ends", "while it is away"]
    assert found[0].labels == {
        "job": "exec-logs",
        "stack": STACK,
        "tenant": "1",
        "service": "excp",
        "instance": "excp-1-2",
        "pair": "1",
        "host": site.hosts["excp-1-2"],
    }
    (inspected,) = json.loads(site.docker("excp-1-2", "inspect", "exec-alloy"))
    assert STORE_PASSWORD not in json.dumps(inspected)
    (mount,) = [each for each in inspected["Mounts"] if each["Type"] == "bind"]
    assert (mount["Source"], mount["RW"]) == (settings.HOST_LOG_PATH, False)
    state = site.work.pulumi("stack", "export", "--stack", STACK).stdout
    assert json.dumps(STORE_PASSWORD)[1:-1] not in state


def test_another_agent_takes_over_and_no_service_is_touched(watched: Watched) -> None:
    site, before = watched.site, watched.site.container_ids()
    was = site.work.setting("logging.shipping")
    site.work.edit("logging.shipping.agent", "filebeat")
    site.work.edit("logging.shipping.url", was["url"].removesuffix("/loki/api/v1/push"))
    exctl(site, "up", "--yes")
    assert "exec-filebeat" in site.docker("excs", "ps", "--format", "{{.Names}}")
    assert "exec-alloy" not in site.docker("excs", "ps", "--all", "--format", "{{.Names}}")
    write(site, "excs", "to another store")
    site.wait_until(lambda: "to another store" in [line.text for line in watched.shipped], "it")
    site.work.edit("logging.shipping", was)
    exctl(site, "up", "--yes")
    assert site.container_ids() == before


def test_a_host_of_execs_that_is_silent_keeps_no_other_from_its_new_settings(
    watched: Watched,
) -> None:
    site = watched.site
    was = site.work.setting("logging.shipping")
    site.work.edit("logging.shipping.port", 12346)
    address = site.hosts["excp-1-2"]
    name = site.host("excp-1-2").name
    site.set_fault(name, "ssh-dropped")
    said = exctl(site, "up", "--yes", code=4).text
    site.clear_faults(name)
    assert f"{address} didn't answer; alloy there: left as it was" in said
    for key in site.hosts:
        is_new = "127.0.0.1:12346" in site.docker(key, "inspect", "exec-alloy")
        assert is_new is (key != "excp-1-2")
    site.work.edit("logging.shipping", was)
    assert "warning" not in exctl(site, "up", "--yes").text


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
    assert (
        "Volumes of what goes with EXEC stay: metrics, and how far log files were shipped." in said
    )
    assert not watched.host.run("docker", "ps", "--all", "--quiet").split()
    assert set(DATA) <= watched.volumes()
    assert not any(crontab(site, key) for key in site.hosts)
    site.work.up()
    site.wait_until(lambda: bool(watched.watch.query("up")), "Prometheus to serve again")
    assert watched.watch.query("count_over_time(exec_instance_up[1h]) > 60")
