"""HealthGate's rules with a clock of ours: when it opens, when it gives up, and what it says."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from health.errors import GateError
from health.gates.health import HealthRule, wait_until_healthy
from health.probe import Answer
from hosts.container import ContainerState
from tests.unit.health.fakes import (
    HUNG,
    OK,
    REFUSED,
    RUNNING,
    STARTED,
    FakeClock,
    FakeContainer,
    FakeService,
    down,
)

RULE = HealthRule(
    instance="excp-1-1",
    host="10.77.0.103",
    url="http://10.77.0.103:3650/health",
    deadline_seconds=120,
    interval_seconds=1,
    in_a_row=3,
    waiting=("excp-1-2",),
)


class Wait:
    """One wait, run to its end: what was asked when, what was reported, and how it failed."""

    def __init__(
        self,
        answers: list[Answer],
        container: FakeContainer | None = None,
        **changes: Any,
    ) -> None:
        self.clock = FakeClock()
        self.service = FakeService(self.clock, answers)
        self.container = container or FakeContainer()
        self.reported: list[str] = []
        self.error = ""
        started = self.clock.now
        try:
            wait_until_healthy(
                replace(RULE, **changes), self.service, self.container, self.clock,
                self.reported.append,
            )  # fmt: skip
        except GateError as error:
            self.error = str(error)
        self.seconds = self.clock.now - started


def test_three_answers_of_200_a_second_apart_open_the_gate() -> None:
    wait = Wait([OK])
    assert wait.error == ""
    assert wait.service.asked_at == pytest.approx([1000.0, 1001.02, 1002.04])
    assert wait.reported == ["excp-1-1: healthy after 2.1 s"]


def test_one_other_answer_starts_the_count_again() -> None:
    assert len(Wait([OK, OK, down(), OK, OK, OK]).service.asked_at) == 6


def test_a_hung_service_counts_as_not_healthy() -> None:
    wait = Wait([OK, OK, HUNG, OK])
    assert (wait.error, len(wait.service.asked_at)) == ("", 6)


def test_only_200_counts() -> None:
    assert "HTTP 204" in Wait([Answer(204)]).error


def test_two_of_three_at_the_deadline_are_not_enough() -> None:
    error = Wait([REFUSED, OK], deadline_seconds=1).error
    assert error.startswith(
        "excp-1-1 on 10.77.0.103 is not healthy after 1 second:"
        " HTTP 200, but not often enough in a row.\n"
    )


def test_a_healthy_instance_costs_no_look_at_its_container() -> None:
    assert Wait([OK]).container.looks == 0


def test_at_the_deadline_the_error_says_all_that_is_known() -> None:
    wait = Wait([down(redis="wrong password")])
    assert 120 <= wait.seconds < 122
    assert wait.error == (
        "excp-1-1 on 10.77.0.103 is not healthy after 2 minutes:"
        " HTTP 503, redis is DOWN (wrong password).\n"
        "  last answer: HTTP 503 from http://10.77.0.103:3650/health after 0.02 s\n"
        "  dependencies down: redis is DOWN (wrong password)\n"
        "  container of excp-1-1: running, last started 2026-11-22 09:00:00 UTC,"
        " restarted 0 times\n"
        "  its last 2 log lines:\n"
        "  | started\n"
        "  | ready\n"
        "  Not touched, since they wait for this: excp-1-2.\n"
        "  Put the cause right and run `exctl up` again: it goes on at this gate,"
        " what is done stays."
    )


def test_while_it_waits_it_says_why_every_ten_seconds() -> None:
    reported = Wait([down(redis="wrong password")]).reported
    assert 10 <= len(reported) <= 12
    assert reported[0] == (
        "excp-1-1: not healthy yet: HTTP 503, redis is DOWN (wrong password); 10 of 120 s"
    )


def test_a_container_that_crashes_again_and_again_is_not_waited_for() -> None:
    states = [ContainerState("restarting", 1, n, STARTED) for n in (2, 3, 4, 5)]
    wait = Wait([REFUSED], FakeContainer([*states], lines=()))
    assert wait.seconds < 10
    assert wait.error == (
        "excp-1-1 on 10.77.0.103 crashes again and again (exit code 1, restarted 5 times);"
        " not waiting for the 1 minute 54 seconds left of its deadline.\n"
        "  last answer: connection refused from http://10.77.0.103:3650/health after 0.00 s\n"
        "  dependencies down: none named in the answer\n"
        "  container of excp-1-1: restarting, last started 2026-11-22 09:00:00 UTC, exit code 1,"
        " restarted 5 times\n"
        "  its log: nothing could be read\n"
        "  Not touched, since they wait for this: excp-1-2.\n"
        "  Put the cause right and run `exctl up` again: it goes on at this gate,"
        " what is done stays."
    )


def test_restarts_of_the_past_are_not_held_against_a_container() -> None:
    past = ContainerState("running", 0, 60, STARTED)
    assert Wait([*[REFUSED] * 20, OK], FakeContainer([past])).error == ""


def test_a_container_that_ended_for_good_is_not_waited_for() -> None:
    wait = Wait([REFUSED], FakeContainer([ContainerState("exited", 0, 0, STARTED)]), waiting=())
    assert wait.seconds < 5
    assert wait.error.startswith(
        "excp-1-1 on 10.77.0.103 has ended (exited, exit code 0) and Docker does not start it"
        " again; not waiting for the 1 minute 58 seconds left of its deadline.\n"
    )
    assert "\n  No other instance waits for this one.\n" in wait.error


def test_a_container_between_a_crash_and_its_restart_is_waited_for() -> None:
    states = [ContainerState("exited", 1, 0, STARTED), RUNNING]
    assert Wait([*[REFUSED] * 30, OK], FakeContainer(states)).error == ""


def test_a_container_removed_by_hand_is_not_waited_for() -> None:
    error = Wait([REFUSED], FakeContainer([ContainerState("missing")])).error
    assert error.startswith(
        "excp-1-1 on 10.77.0.103 has no container any more: it was removed by hand;"
    )


def test_a_host_that_cannot_be_asked_costs_no_patience() -> None:
    unreachable = ContainerState("", error="ssh: Connection timed out")
    wait = Wait([REFUSED], FakeContainer([unreachable]))
    assert wait.seconds >= 120
    assert "container of excp-1-1: not known: ssh: Connection timed out\n" in wait.error
