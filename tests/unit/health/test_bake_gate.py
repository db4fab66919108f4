"""BakeGate's rules with a clock of ours: what passes, what fails, and what is no bad sign."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from health.errors import GateCode, GateError
from health.gates.alerts import AlertsUnreadError, FiringAlert, alerts_in, concerning, firing
from health.gates.bake import Alerts, BakeRule, watch_until_baked
from health.gates.events import shown
from health.probe import Answer
from hosts.container import ContainerState
from tests.unit.health.fakes import (
    HUNG,
    OK,
    REFUSED,
    RUNNING,
    UNASKED,
    FakeClock,
    FakeContainer,
    FakeService,
    down,
    ours,
    place,
)

RULE = BakeRule(
    instance="excp-1-1",
    host="10.77.0.103",
    url="http://10.77.0.103:3650/health",
    stack="dev",
    seconds=60,
    interval_seconds=1,
    in_a_row=3,
    pair="1",
)


class Watch:
    """One watch, run to its end."""

    def __init__(
        self,
        answers: list[Answer],
        states: list[ContainerState] | None = None,
        alerts: Alerts | None = None,
        is_new: bool = False,
        **changes: Any,
    ) -> None:
        self.clock = FakeClock()
        service = FakeService(self.clock, answers)
        container = FakeContainer(states or [RUNNING])
        self.reported: list[str] = []
        self.failure: GateError | None = None
        began = self.clock.now
        try:
            watch_until_baked(
                replace(RULE, **changes),
                place(service, container),
                self.clock,
                lambda event: self.reported.append(shown(event)),
                alerts,
                is_new,
            )
        except GateError as error:
            self.failure = error
        self.seconds = self.clock.now - began

    @property
    def error(self) -> str:
        return "" if self.failure is None else str(self.failure)


def test_an_instance_that_stays_healthy_passes_and_says_how_far_it_is() -> None:
    watch = Watch([OK])
    assert watch.error == ""
    assert watch.seconds == pytest.approx(60, abs=2)
    assert watch.reported[0] == "excp-1-1: healthy; watched for 10 of 60 s"
    assert watch.reported[-1] == "excp-1-1: stayed healthy for 60 s"


def test_one_bad_answer_is_passed_over_and_three_in_a_row_are_not() -> None:
    assert Watch([OK, HUNG, HUNG, OK]).error == ""
    watch = Watch([OK, OK, down(redis="refused"), down(), down()])
    assert watch.failure is not None
    assert watch.failure.failure.code is GateCode.DID_NOT_LAST
    assert "did not stay healthy: HTTP 503" in watch.error
    assert "Its gates had passed; this was 4 seconds into the 1 minute of gate.bake" in (
        watch.error
    )


@pytest.mark.parametrize("bad", [HUNG, REFUSED])
def test_no_answer_is_a_bad_sign_whatever_the_container_does(bad: Answer) -> None:
    assert "did not stay healthy" in Watch([OK, bad]).error


def test_a_restart_fails_at_once_though_it_answers_200() -> None:
    watch = Watch([OK], [RUNNING, RUNNING, ours("running", restarts=1)])
    assert "did not last: its container is running" in watch.error
    assert watch.seconds < 5


def test_another_container_in_its_place_fails() -> None:
    assert "did not last" in Watch([OK], [RUNNING, replace(RUNNING, id="other")]).error


def test_a_host_that_cannot_be_asked_is_no_bad_sign_while_it_answers() -> None:
    assert Watch([OK], [RUNNING, UNASKED]).error == ""
    assert Watch([OK], [UNASKED]).error == ""


def test_it_does_not_end_in_the_middle_of_bad_answers() -> None:
    watch = Watch([*[OK] * 57, HUNG])
    assert "did not stay healthy" in watch.error


def test_a_container_that_has_run_for_longer_already_is_not_watched_when_bake_is_new() -> None:
    watch = Watch([OK], is_new=True)
    assert watch.seconds == 0
    assert "has run that long already" in watch.reported[0]
    young = replace(RUNNING, started_at=datetime.now(UTC) - timedelta(seconds=5))
    assert Watch([OK], [young], is_new=True).seconds > 50
    assert Watch([OK]).seconds > 50


def test_an_alert_that_begins_to_fire_fails_it() -> None:
    calls = [0]

    def alerts() -> Sequence[FiringAlert]:
        calls[0] += 1
        found = FiringAlert("ExecDependencyDown", {}, "redis is down", None)
        return [found] if calls[0] == 3 else []

    watch = Watch([OK], alerts=alerts)
    assert "fires ExecDependencyDown: redis is down" in watch.error
    assert watch.seconds == pytest.approx(10, abs=2)


def test_a_prometheus_that_does_not_answer_is_told_once_and_fails_nothing() -> None:
    def alerts() -> Sequence[FiringAlert]:
        raise AlertsUnreadError("http://p:9090 doesn't say which alerts fire (ConnectionError)")

    watch = Watch([OK], alerts=alerts)
    assert watch.error == ""
    blind = [line for line in watch.reported if "watched without alerts" in line]
    assert blind == [
        "excp-1-1: watched without alerts: http://p:9090 doesn't say which alerts fire"
        " (ConnectionError)"
    ]


def entry(name: str = "ExecPairDown", state: str = "firing", **labels: str) -> dict[str, Any]:
    return {
        "labels": {"alertname": name, "severity": "critical", "stack": "dev", **labels},
        "annotations": {"summary": "s"},
        "state": state,
        "activeAt": "2026-11-26T10:00:00.123456789Z",
    }


def counted(*entries: dict[str, Any], hour: int = 9) -> int:
    found = alerts_in({"data": {"alerts": list(entries)}})
    since = datetime(2026, 11, 26, hour, tzinfo=UTC)
    return len(concerning(found, "dev", "excp-1-1", "1", since))


@pytest.mark.parametrize(
    ("labels", "count"),
    [
        ({"pair": "1"}, 1),
        ({"pair": "2"}, 0),
        ({"instance": "excp-1-1", "pair": "1"}, 1),
        ({"instance": "excp-1-2", "pair": "1"}, 0),
        ({"dependency": "redis"}, 1),
        ({"stack": "other", "pair": "1"}, 0),
        ({"severity": "none"}, 0),
        ({"alertname": "SomebodyElses", "pair": "1"}, 0),
    ],
)
def test_only_alerts_of_ours_for_it_its_pair_or_its_stack_count(
    labels: dict[str, str], count: int
) -> None:
    assert counted(entry() | {"labels": entry()["labels"] | labels}) == count


def test_what_fired_before_and_what_is_only_pending_does_not_count() -> None:
    assert counted(entry(), hour=11) == 0
    assert counted(entry(state="pending")) == 0


def test_nobody_at_the_address_and_an_answer_that_is_none_are_unread() -> None:
    with pytest.raises(AlertsUnreadError, match="doesn't say which alerts fire"):
        firing("http://127.0.0.1:9")
    with pytest.raises(ValueError, match="not an answer of Prometheus"):
        alerts_in({"data": {}})
