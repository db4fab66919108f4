"""What gates report and fail with comes through as it was, whatever stands around it."""

from __future__ import annotations

import pytest

from health.errors import GateCode, GateError, GateFailure, failure_in
from health.gates import runs
from health.gates.events import (
    EVENTS_VARIABLE,
    Event,
    GuardOverruled,
    GuardPassed,
    Healthy,
    NotHealthyYet,
    Synced,
    Syncing,
    WasDown,
    as_data,
    as_json,
    of_data,
    parsed,
    shown,
)
from health.verdict import VerdictKind

EVENTS: list[Event] = [
    Healthy("excs", 4.04),
    NotHealthyYet("excs", VerdictKind.UNHEALTHY, "HTTP 503", 10, 60),
    Syncing("excs", 'syncStatus is "Merging"', 9, 0, 567, 193, 12.5),
    Synced("excs", 31),
    GuardPassed("a", "b", VerdictKind.DOWN, VerdictKind.UNKNOWN, "connection refused"),
    GuardOverruled("a", "b", "1", VerdictKind.UNKNOWN, "no answer within 5 seconds"),
    WasDown("excs", 35.2),
]


@pytest.mark.parametrize("event", EVENTS)
def test_an_event_comes_back_from_its_line(event: Event) -> None:
    assert parsed(as_json(event)) == event
    assert "\n" not in as_json(event)
    assert of_data([as_data(event), "excs: healthy after 4.0 s", {"kind": "later"}]) == (event,)


@pytest.mark.parametrize("line", ["", "excs: sync 34%", "{}", '{"kind": "healthy"}', "[1]"])
def test_what_isnt_an_event_is_none(line: str) -> None:
    assert parsed(line) is None


def test_plain_pulumi_gets_the_sentence_and_exctl_the_facts(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv(EVENTS_VARIABLE, raising=False)
    runs._say(EVENTS[0])
    assert capsys.readouterr().out == "excs: healthy after 4.0 s\n" == f"{shown(EVENTS[0])}\n"
    monkeypatch.setenv(EVENTS_VARIABLE, "json")
    runs._say(EVENTS[0])
    assert parsed(capsys.readouterr().out) == EVENTS[0]


def test_a_failure_comes_through_whatever_pulumi_puts_around_it() -> None:
    error = GateError(
        GateCode.CRASHES, "excs", "excs crashes: »no«", ["| Traceback", "error: x"], ["Fix it."]
    )
    text = f"error: Traceback (most…):\nRuntimeError: {error.failure.marked()}\n  more: {{}}"
    assert failure_in(text) == error.failure
    assert failure_in("error: exec-gate-error:{cut") is None
    assert failure_in("error: another") is None


def test_exctl_leaves_out_the_ways_on_that_it_says_itself() -> None:
    failure = GateFailure(GateCode.NOT_HEALTHY, "excs", "It is ill.", ("Seen.",), ("Go on.",))
    assert failure.text() == "It is ill.\n  Seen.\n  Go on."
    assert failure.text(with_ways=False) == "It is ill.\n  Seen."
