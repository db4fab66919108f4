"""A deployed stack, watched by a real Prometheus and Alertmanager: who is told what, and when."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from health.gates.alerts import firing
from lab.watch import PROMETHEUS_PORT, Watch, watching
from monitoring.alerts import RECORDED
from monitoring.dashboards import DASHBOARDS, Dashboard, queries
from monitoring.metrics import BY_NAME
from tests.lab.conftest import Site
from tests.lab.operator import NEW, Running, exctl, left_well

pytestmark = [pytest.mark.lab, pytest.mark.long]
STALL_SECONDS = 15
EXPORTER_PORT = 9640


@dataclass
class Watched:
    """The site, and what watches it."""

    site: Site
    watch: Watch

    def told_since(self, number: int) -> list[tuple[str, str, str]]:
        """(receiver, status, alert) of what reached anybody since there were so many."""
        return [(n.receiver, n.status, n.labels["alertname"]) for n in self.watch.notifications][
            number:
        ]

    @property
    def number(self) -> int:
        return len(self.watch.notifications)

    def quiet(self) -> bool:
        return not self.watch.alerts()


@pytest.fixture(scope="module")
def watched(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    site.work.edit("gate.interval_seconds", 0.2)
    site.work.edit("excs.sync_gate.stall_seconds", STALL_SECONDS)
    site.work.up()
    exported = tmp_path_factory.mktemp("exported")
    said = exctl(site, "monitoring", "export", str(exported)).stdout
    assert "checked with promtool and amtool" in said
    address = site.lab.plan.operator
    words = ("--listen", f"{address}:{EXPORTER_PORT}", "--interval-seconds", "1")
    log = tmp_path_factory.mktemp("exporter") / "log"
    without = ("env", "-u", "PULUMI_CONFIG_PASSPHRASE")  # it needs none
    exporter = site.work.start(
        *without, "exctl", "exporter", *words, "--host-interval-seconds", "5"
    )
    try:
        with watching(exported, log.parent, address, print) as watch:
            found = Watched(site, watch)
            wanted = {"exec_drift_differences", *RECORDED}
            site.wait_until(lambda: all(map(watch.query, wanted)), "every series to begin", 90)
            site.wait_until(found.quiet, "alerts of the start to end", 60)
            watch.notifications.clear()
            yield found
    finally:
        exporter.terminate()
        said = exporter.communicate(timeout=20)[1]
        assert exporter.returncode == 130, said
        for secret in site.secrets:
            assert secret not in said


@pytest.fixture(autouse=True)
def _left_well(watched: Watched) -> Iterator[None]:
    yield from left_well(watched.site)
    watched.site.wait_until(watched.quiet, "every alert to end", 120)


def test_prometheus_gets_every_metric_and_reaches_every_service(watched: Watched) -> None:
    names = {
        series["metric"]["__name__"] for series in watched.watch.query('{__name__=~"exec_.+"}')
    }
    assert BY_NAME.keys() - names == {"exec_log_shipper_up"}  # none here: test_watchers.py has it
    up = {s["metric"]["job"]: s["value"][1] for s in watched.watch.query("min by (job) (up)")}
    assert up == {"exec-exporter": "1", "exec-services": "1", "exec-blackbox": "1"}
    assert len(watched.watch.query("probe_success == 1")) == len(watched.site.hosts)
    assert {s["metric"]["instance"] for s in watched.watch.query("exec_instance_up == 1")} == set(
        watched.site.hosts
    )


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda each: each.uid)
def test_every_query_of_a_dashboard_returns_data(watched: Watched, dashboard: Dashboard) -> None:
    empty = [q for q in queries(dashboard, "dev") if not watched.watch.query(q)]
    assert not empty


def test_an_instance_that_hangs_fires_the_alert_of_its_pair_alone_and_it_resolves(
    watched: Watched,
) -> None:
    site, before = watched.site, watched.number
    site.set_fault("excp-1-2", "hang")
    began = time.monotonic()
    site.wait_until(lambda: watched.number > before, "an alert", 90)
    assert time.monotonic() - began < 60
    time.sleep(20)  # what else would fire, does within this
    alert = "ExecPairWithoutRedundancy"
    assert watched.told_since(before) == [("exec-warning", "firing", alert)]
    # What a bake would see.
    assert [a.name for a in firing(f"http://{site.lab.plan.operator}:{PROMETHEUS_PORT}")] == [alert]
    site.clear_faults("excp-1-2")
    site.wait_until(lambda: watched.number > before + 1, "it to resolve", 60)
    assert watched.told_since(before)[1:] == [("exec-warning", "resolved", alert)]


def test_a_rolling_update_reaches_nobody(watched: Watched) -> None:
    before, site = watched.number, watched.site
    site.work.edit("monitoring.silence_url", f"http://{site.lab.plan.operator}:9093")
    update = Running(site, "update", "excp", "--tag", NEW, "--yes")
    update.wait_for("excp-1-1: healthy after")
    assert [s["status"]["state"] for s in watched.watch.silences()] == ["active", "active"]
    update.end(0)
    assert {s["status"]["state"] for s in watched.watch.silences()} == {"expired"}
    watched.site.wait_until(watched.quiet, "the run's own alert to end", 90)
    assert watched.told_since(before) == []
    assert watched.watch.query("max_over_time(exec_deployment_in_progress[5m]) == 1")


def test_a_sync_that_stands_still_fires_its_own_alert_and_it_resolves(watched: Watched) -> None:
    site, before = watched.site, watched.number
    site.set_fault("excs", "sync_stalled", percent="40")
    site.forget_sync()
    site.docker("excs", "restart", "excs")
    site.wait_until(lambda: watched.number > before, "an alert", 120)
    time.sleep(10)
    alert = "ExecSyncStalled"
    assert ("exec-critical", "firing", alert) in watched.told_since(before)
    assert {told[2] for told in watched.told_since(before)} == {alert}
    site.clear_faults("excs")
    site.wait_until(
        lambda: ("exec-critical", "resolved", alert) in watched.told_since(before),
        "it to resolve",
        90,
    )
