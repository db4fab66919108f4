"""Which healthy instances the last look of a run still waits for."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from exctl.runs.last_look import Steadiness
from tests.unit.exctl.test_status import row
from tests.unit.health.fakes import RUNNING

NEW = replace(RUNNING, started_at=datetime.now(UTC) + timedelta(days=1))


def test_one_that_was_started_again_without_a_gate_must_hold_for_ten_seconds() -> None:
    steadiness = Steadiness(ungated={"excs"})
    fresh = row(container=NEW)
    assert [steadiness.unsettled([fresh], now) for now in (0, 9)] == [[fresh], [fresh]]
    assert steadiness.unsettled([fresh], 10) == []


def test_a_restart_meanwhile_begins_its_time_again() -> None:
    steadiness = Steadiness()
    first, second = (row(container=replace(NEW, restarts=number)) for number in (1, 2))
    steadiness.unsettled([first], 0)
    assert steadiness.unsettled([second], 10) == [second]


def test_what_a_gate_has_waited_for_or_runs_for_long_is_not_waited_for() -> None:
    gated, old = row(container=NEW), row(instance="exas", container=replace(RUNNING, restarts=3))
    assert Steadiness(ungated={"exas"}).unsettled([gated, old], 0) == []
