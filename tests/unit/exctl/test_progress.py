"""How far a run is, from its steps; and how long instances were down, from what gates said."""

from __future__ import annotations

from exctl.runs.downtime import Known, about, of
from exctl.runs.plan import CONTAINER_TYPE, IMAGE_TYPE, Step, Touch
from exctl.terminal.progress import RunProgress
from health.gates.events import Event, Healthy, NotHealthyYet, Synced, Syncing, WasDown
from health.verdict import VerdictKind

GATE = "pulumi-python:dynamic/exec:HealthGate"


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def touch(key: str, *gates: str) -> Touch:
    return Touch(key, "h", "replace", gates, "")


def test_an_instance_is_done_once_its_last_gate_is_open() -> None:
    clock = Clock()
    progress = RunProgress([touch("excs", "health", "sync"), touch("exas", "health")], clock)
    progress.begins(Step("create", IMAGE_TYPE, "image-excs"))
    assert progress.instances["excs"].words == "pulling its image"
    assert progress.touched == []
    progress.begins(Step("delete-replaced", CONTAINER_TYPE, "container-excs"))
    assert progress.touched == ["excs"]
    clock.now = 2.0
    progress.begins(Step("create-replacement", CONTAINER_TYPE, "container-excs"))
    progress.ends(Step("create-replacement", CONTAINER_TYPE, "container-excs"))
    progress.begins(Step("update", GATE, "health-excs"))
    progress.ends(Step("update", GATE, "health-excs"))
    assert progress.report() == [
        "begun, not finished: excs (waiting until it is healthy)",
        "not touched: exas",
    ]
    progress.begins(Step("update", GATE, "sync-excs"))
    progress.hears(Syncing("excs", "", 5.0, 0, 100, 34))
    assert progress.instances["excs"].words.startswith("sync 34% (HWM 34 of 100)")
    clock.now = 9.5
    progress.ends(Step("update", GATE, "sync-excs"))
    assert progress.report() == ["done: excs", "not touched: exas"]
    assert progress.downtimes == [WasDown("excs", 9.5)]


def test_a_failure_names_the_step_and_not_the_gates_last_words() -> None:
    progress = RunProgress([touch("exas", "health")])
    progress.begins(Step("create", CONTAINER_TYPE, "container-exas"))
    progress.begins(Step("create", GATE, "health-exas"))
    progress.hears(NotHealthyYet("exas", VerdictKind.UNHEALTHY, "HTTP 503", 10, 60))
    progress.fails(Step("create", GATE, "health-exas"))
    assert progress.report() == [
        "begun, not finished: exas (failed while waiting until it is healthy)"
    ]


def test_a_look_at_the_hosts_touches_nothing() -> None:
    progress = RunProgress([touch("exas", "health")])
    progress.begins(Step("refresh", CONTAINER_TYPE, "container-exas"))
    progress.begins(Step("same", CONTAINER_TYPE, "container-exas"))
    progress.ends(Step("same", CONTAINER_TYPE, "container-exas"))
    assert progress.touched == []
    assert progress.report() == ["not touched: exas"]


def test_what_the_plan_did_not_foresee_is_followed_too() -> None:
    progress = RunProgress([])
    progress.begins(Step("delete", CONTAINER_TYPE, "container-excp-1-2"))
    progress.ends(Step("delete", CONTAINER_TYPE, "container-excp-1-2"))
    assert progress.report() == ["done: excp-1-2"]


def test_a_measured_downtime_counts_more_than_a_gates_wait() -> None:
    events: list[Event] = [Healthy("excs", 3.3), Synced("excs", 1800)]
    assert of(events)["excs"].seconds == 1803.3
    assert not of(events)["excs"].is_whole
    later = [*events, WasDown("excs", 1810.0), Healthy("excs", 1.0)]
    assert of(later)["excs"] == Known(1.0, 1800.0, 1810.0)
    assert of(later)["excs"].seconds == 1810.0
    assert of([NotHealthyYet("excs", VerdictKind.DOWN, "connection refused", 1, 9)]) == {}


def test_seconds_become_minutes_where_seconds_say_too_much() -> None:
    assert [about(0.2), about(4.4), about(1810)] == ["about 1 s", "about 4 s", "about 30 min"]
