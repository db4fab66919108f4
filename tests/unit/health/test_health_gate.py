"""HealthGate's rules with a clock of ours: when it opens, when it gives up, and what it says."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from health.errors import GateError
from health.gates.events import shown
from health.gates.health import HealthRule, wait_until_healthy
from health.probe import Answer
from hosts.container import ContainerState
from tests.unit.health.fakes import (
    HUNG,
    MISSING,
    OK,
    REFUSED,
    RUNNING,
    STARTED,
    UNASKED,
    FakeClock,
    FakeContainer,
    FakeService,
    down,
    ours,
    place,
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
                replace(RULE, **changes), place(self.service, self.container), self.clock,
                lambda event: self.reported.append(shown(event)),
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


def test_its_container_is_looked_at_when_the_row_begins_and_when_it_ends() -> None:
    assert Wait([OK]).container.looks == 2


def test_a_new_container_whose_port_is_answered_from_the_first_moment_must_hold() -> None:
    new = replace(RUNNING, started_at=datetime.now(UTC))
    assert 10 <= Wait([OK], FakeContainer([new])).seconds < 12
    assert Wait([REFUSED, OK], FakeContainer([new])).seconds < 3
    fails = [new, replace(new, word="restarting", exit_code=1, restarts=1)]
    assert "from another server" in Wait([OK], FakeContainer(fails)).error


def test_a_container_started_anew_within_the_row_begins_it_again() -> None:
    wait = Wait([OK], FakeContainer([RUNNING, ours("running", 0, 1)]))
    assert (wait.error, len(wait.service.asked_at)) == ("", 6)


def test_what_ended_the_row_before_is_said_at_the_deadline() -> None:
    restarts = [ours("running", 0, number // 2) for number in range(1, 5)]
    error = Wait([OK], FakeContainer([*restarts[:2], *restarts]), deadline_seconds=3).error
    assert "HTTP 200, but its container was restarted meanwhile" in error


def test_another_server_on_the_port_is_no_health_and_said() -> None:
    wait = Wait([OK], FakeContainer([ours("exited", 1)]))
    assert 5 <= wait.seconds < 7
    assert wait.error.startswith(
        "excp-1-1 on 10.77.0.103 has ended (exited, exit code 1) and Docker does not start it"
        " again; HTTP 200, but from another server: its container is exited; not waiting"
    )


def test_a_neighbour_that_answers_for_a_container_that_cant_bind_is_no_health() -> None:
    states = [s for n in range(9) for s in (ours("running", 0, n), ours("restarting", 1, n + 1))]
    wait = Wait([OK], FakeContainer(states))
    assert "excp-1-1 on 10.77.0.103 crashes again and again (exit code 1, restarted" in wait.error
    assert wait.seconds < 20


def test_another_container_of_that_name_is_no_health() -> None:
    other = ContainerState("running", 0, 0, STARTED, id="ab" * 32, labels={"exec.stack": "prod"})
    wait = Wait([OK], FakeContainer([other]))
    assert wait.seconds >= 120
    assert "its container is another one (of the stack prod)" in wait.error


def test_a_container_that_cant_be_asked_is_not_healthy_yet() -> None:
    wait = Wait([OK], FakeContainer([UNASKED]))
    assert wait.seconds >= 120
    assert "HTTP 200, but its container is unknown: ssh: Connection timed out" in wait.error
    assert Wait([OK], FakeContainer([UNASKED, UNASKED, RUNNING])).error == ""


def test_the_exit_code_of_a_crash_is_not_that_of_the_next_try() -> None:
    states = [ours("restarting", 137, 1), ours("running", 0, 2), ours("running", 0, 4)]
    error = Wait([REFUSED], FakeContainer(states)).error
    assert "crashes again and again (exit code 137, restarted 4 times)" in error


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
        "  Fix the cause and run `exctl up` again: it resumes at this gate;"
        " what is done stays."
    )


def test_while_it_waits_it_says_why_every_ten_seconds() -> None:
    reported = Wait([down(redis="wrong password")]).reported
    assert 10 <= len(reported) <= 12
    assert reported[0] == (
        "excp-1-1: not healthy yet: HTTP 503, redis is DOWN (wrong password); 10 of 120 s"
    )


def test_a_container_that_crashes_again_and_again_is_not_waited_for() -> None:
    states = [ours("restarting", 1, n) for n in (2, 3, 4, 5)]
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
        "  Fix the cause and run `exctl up` again: it resumes at this gate;"
        " what is done stays."
    )


def test_restarts_of_the_past_are_not_held_against_a_container() -> None:
    past = ours("running", 0, 60)
    assert Wait([*[REFUSED] * 20, OK], FakeContainer([past])).error == ""


def test_a_container_that_ended_for_good_is_not_waited_for() -> None:
    wait = Wait([REFUSED], FakeContainer([ours("exited")]), waiting=())
    assert 5 <= wait.seconds < 7
    assert wait.error.startswith(
        "excp-1-1 on 10.77.0.103 has ended (exited, exit code 0) and Docker does not start it"
        " again; not waiting for the 1 minute 54 seconds left of its deadline.\n"
    )
    assert "\n  No other instance waits for this one.\n" in wait.error


def test_a_container_between_a_crash_and_its_restart_is_waited_for() -> None:
    states = [ours("exited", 1), RUNNING]
    assert Wait([*[REFUSED] * 30, OK], FakeContainer(states)).error == ""


def test_a_docker_daemon_that_is_restarted_ends_no_wait() -> None:
    states = [ours("exited"), ours("exited"), UNASKED, ours("exited"), UNASKED, RUNNING]
    assert Wait([*[REFUSED] * 30, OK], FakeContainer(states)).error == ""


def test_a_container_removed_by_hand_is_not_waited_for() -> None:
    error = Wait([REFUSED], FakeContainer([MISSING])).error
    assert error.startswith(
        "excp-1-1 on 10.77.0.103 has no container any more: it was removed by hand;"
    )


def test_a_host_that_cannot_be_asked_costs_no_patience() -> None:
    wait = Wait([REFUSED], FakeContainer([UNASKED]))
    assert wait.seconds >= 120
    assert "container of excp-1-1: unknown: ssh: Connection timed out\n" in wait.error
