"""What `exctl status` says of instances, pairs and the last run, and how it is drawn."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console

from exctl.observe import endpoints, status, watchers
from exctl.observe.endpoints import EndpointRow, row_of, sync_of
from exctl.observe.last_run import LastRun
from health.contract import parse_health
from health.gates.sync import SyncKind
from health.gates.sync_progress import SyncProgress
from health.probe import Answer
from health.verdict import Identity, VerdictKind, judge
from hosts.container import ContainerState
from hosts.docker import Container
from monitoring.placement import placement
from tests.unit.exctl.sites import make_site
from tests.unit.health.fakes import ORG as OUR_ORG
from tests.unit.health.fakes import OTHER_ORG, RUNNING, STARTED
from tests.unit.health.fakes import status as synced

TAG = "100.0.100.11"
WELL = LastRun("update", "succeeded", "2026-11-25 04:00:00 UTC")


def row(is_healthy: bool = True, **others: Any) -> EndpointRow:
    found = EndpointRow(
        instance="excs",
        host="10.77.0.101",
        port=3640,
        tag=TAG,
        health_url="http://10.77.0.101:3640/health",
        is_stopped=False,
        verdict=VerdictKind.HEALTHY if is_healthy else VerdictKind.DOWN,
        answer="HTTP 200" if is_healthy else "connection refused",
    )
    return replace(found, **others)


def pair(*healthy: bool, stopped: bool = False) -> list[EndpointRow]:
    return [
        row(each, instance=f"excp-1-{n}", pair="1", is_stopped=stopped and not each)
        for n, each in enumerate(healthy, 1)
    ]


def sync(
    answer: Answer, progress: SyncProgress | None = None, now: float = 0
) -> endpoints.SyncAnswer:
    known = progress or SyncProgress(moved_at=0)
    return sync_of(answer, replace(RUNNING, started_at=STARTED), OUR_ORG, False, known, now)


def running(processed: int) -> Answer:
    return synced(processed, 600, update="InProgress", sync="Merging")


def test_a_second_look_tells_pace_and_time_left() -> None:
    progress = SyncProgress(moved_at=0)
    assert sync(running(100), progress, 0).text == (
        'sync 16% (HWM 100 of 600), updateStatus is "InProgress"'
    )
    second = sync(running(120), progress, 2)
    assert second.text == "sync 20% (HWM 120 of 600), 10 objects/s, about 48 s left"
    assert second.progress is not None
    assert (second.progress.percent, second.progress.left_seconds) == (20, 48.0)
    third = sync(synced(600, 600), progress, 4)
    assert (third.text, third.kind) == ("sync complete (HWM 600 of 600)", SyncKind.COMPLETE)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Answer(None, error="no answer"), "sync unknown: /status: no answer"),
        (Answer(200, b"<html>"), "sync unknown: /status doesn't mention it"),
        (Answer(200, b'{"status": {"message": "hi"}}'), "sync unknown: /status doesn't mention it"),
    ],
)
def test_an_excs_that_does_not_tell_its_sync_is_unknown_and_no_error(
    answer: Answer, said: str
) -> None:
    assert sync(answer) == endpoints.SyncAnswer(said)


def test_an_excs_that_syncs_to_another_org_is_not_healthy() -> None:
    instance = make_site().layout.instances[0]
    found = sync(synced(org=OTHER_ORG))
    healthy = judge(Answer(200), RUNNING, Identity())
    assert f"syncs to org {OTHER_ORG}" in row_of(instance, healthy, found).sync
    assert not row_of(instance, healthy, found).is_healthy
    assert row_of(instance, healthy, sync(synced())).is_healthy


def test_another_server_on_the_port_is_no_health() -> None:
    instance = make_site().layout.instances[0]
    theirs = ContainerState("running", id="ab", labels={"exec.stack": "prod"})
    for state, said in (
        (ContainerState("missing"), "HTTP 200, but from another server: its container is missing"),
        (theirs, "its container is another one (of the stack prod)"),
    ):
        labels = Identity(labels={"exec.stack": "dev"})
        found = row_of(instance, judge(Answer(200), state, labels))
        assert (found.answer, found.state) == (said, "NOT HEALTHY")


def test_a_host_that_cant_be_asked_is_neither_healthy_nor_not() -> None:
    instance = make_site().layout.instances[0]
    unknown = judge(Answer(200), ContainerState("", error="ssh: no route"), Identity())
    found = row_of(instance, unknown)
    assert (found.state, endpoints.unhealthy([found])) == ("UNKNOWN", [found])


def test_version_and_uptime_are_taken_where_health_gives_them() -> None:
    found = parse_health(b'{"version": "100.0.100.12", "uptime": "3h", "dependencies": {}}')
    assert (found.version, found.uptime) == ("100.0.100.12", "3h")
    assert parse_health(b'{"version": {"a": 1}}').version == ""


def test_another_version_than_the_stack_files_is_said() -> None:
    assert row(version="100.0.100.12", uptime="3h").detail == "runs version 100.0.100.12; up 3h"
    assert row(version=TAG).detail == ""
    assert row(container=replace(RUNNING, restarts=7)).detail == "restarted 7 times by Docker"


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (pair(True, True), "pair 1: redundant, both instances are healthy"),
        (pair(True, False), "pair 1: NO REDUNDANCY, excp-1-1 serves alone without excp-1-2"),
        (pair(True, False, stopped=True), "pair 1: NO REDUNDANCY, excp-1-1 serves alone without"
         " excp-1-2"),
        (pair(False, False), "pair 1: DOWN, neither instance is healthy"),
    ],
)  # fmt: skip
def test_each_pairs_redundancy_is_said(rows: list[EndpointRow], said: str) -> None:
    assert status.lines(rows, WELL)[-1] == said


def test_what_watches_the_stack_has_a_line_and_what_doesnt_run_one_of_its_own() -> None:
    site = make_site(
        monitoring__host="watch.example.com",
        registry__infra_repository="registry.example.com/infra",
        monitoring__alertmanagers=["alerts.example.com:9093"],
        monitoring__blackbox=None,
    )
    placed = placement(site.config, site.layout, site.stack)
    assert placed is not None
    there = Container("i", "exec-prometheus", "x", RUNNING)
    url = "http://watch.example.com:9090"
    found = watchers.of(placed, {"watch.example.com": [there]})
    assert status.lines([row()], WELL, found)[-2:] == [
        f"watched by prometheus {url}",
        "NOT WATCHED by blackbox-exporter on watch.example.com: its container is missing",
    ]
    assert [each["is_well"] for each in status.as_json(site, [], WELL, found)["monitoring"]] == [
        True,
        False,
    ]
    (said, _) = watchers.lines(watchers.of(placed, {"watch.example.com": "no route"}))
    assert said.endswith("prometheus on watch.example.com: its container is unknown (no route)")


def test_what_ships_log_files_has_a_line_for_all_hosts_and_one_for_each_that_doesnt() -> None:
    site = make_site(
        logging__shipping={"url": "http://loki:3100/p"},
        registry__infra_repository="registry.example.com/infra",
    )
    placed = placement(site.config, site.layout, site.stack)
    assert placed is not None
    there = [Container("i", "exec-alloy", "x", RUNNING)]
    said = dict.fromkeys(placed.hosts, there) | {placed.hosts[3]: []}
    assert watchers.lines(watchers.of(placed, said)) == [
        "log files shipped by alloy from 3 hosts to http://loki:3100/p",
        "LOG FILES NOT SHIPPED by alloy on 10.77.0.104: its container is missing",
    ]


@pytest.mark.parametrize(
    ("last", "said"),
    [
        (WELL, []),
        (replace(WELL, result="failed", message="night change"),
         ["last run: update (night change) of 2026-11-25 04:00:00 UTC: FAILED; to resume: exctl"
          " up"]),
        (LastRun(result="none"), ["last run: none; nothing was deployed from this state"]),
        (LastRun(unknown="no backend"), ["last run: unknown: no backend"]),
        (replace(WELL, pending=("creating container-excs",)),
         ["pending, begun by a run that was interrupted: creating container-excs"]),
        (replace(WELL, undeployed=3),
         ["pending: the stack file differs from release 3, the last that was deployed; exctl"
          " preview shows what that changes"]),
    ],
)  # fmt: skip
def test_of_the_last_run_it_says_what_is_left_to_do(last: LastRun, said: list[str]) -> None:
    assert last.lines() == said


def test_lines_for_a_log_each_say_the_time() -> None:
    first, second = status.log_lines([row(), row(False)])
    assert first[2] == second[2] == ":"
    assert "NOT HEALTHY" in second


def test_a_look_as_json_has_numbers() -> None:
    found = json.loads(
        json.dumps(status.as_json(make_site(), [row(container=RUNNING), *pair(True, False)], WELL))
    )
    first = found["instances"][0]
    assert (first["is_healthy"], first["verdict"], first["container"]["restarts"]) == (
        True,
        "healthy",
        0,
    )
    assert first["container"]["running_seconds"] > 0
    assert found["instances"][-1]["container"]["running_seconds"] is None
    assert found["counts"] == {
        "wanted": 3,
        "healthy": 2,
        "unknown": 0,
        "stopped": 0,
        "pairs": 1,
        "pairs_redundant": 0,
        "pairs_down": 0,
    }
    assert found["pairs"][0]["is_redundant"] is False
    assert found["last_run"]["result"] == "succeeded"


def test_the_drawn_table_fits_into_80_columns() -> None:
    console = Console(width=80, record=True, file=io.StringIO())
    rows = [row(), row(False, sync="sync running 20%" * 4)]
    console.print(status.drawn("dev", rows, 2, WELL))
    text = console.export_text()
    assert "1 of 2 healthy" in text
    assert "10.77.0.101:3640" in text
    assert max(map(len, text.splitlines())) <= 80


def test_the_table_names_what_is_down() -> None:
    (ill,) = endpoints.unhealthy([row(), row(False)])
    assert "connection refused" in endpoints.table([ill])[1]
