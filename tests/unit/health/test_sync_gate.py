"""SyncGate's rules with a clock of ours: what complete means, patience, progress, and its words.

Can't prove how the vendor's EXCS words a sync that is under way: only Success is documented.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from health.contract import parse_status
from health.errors import GateError
from health.gates.events import shown
from health.gates.sync import SyncKind, SyncRule, sync_verdict, wait_until_synced
from health.probe import Answer
from hosts.container import ContainerState
from tests.unit.health.fakes import (
    HUNG,
    ORG,
    OTHER_ORG,
    REFUSED,
    RUNNING,
    STARTED,
    FakeClock,
    FakeContainer,
    FakeService,
    place,
    status,
)

RULE = SyncRule(
    instance="excs",
    host="10.77.0.101",
    url="http://10.77.0.101:3640/status",
    org_id=ORG,
    deadline_seconds=5400,
    stall_seconds=900,
    interval_seconds=2,
    waiting=("exas", "excp-1-1", "excp-1-2"),
)
OLD = "2026-11-22T08:59:59.999Z"


def verdict(answer: Answer, started: datetime | None = STARTED, **changes: Any) -> tuple[str, bool]:
    rule = replace(RULE, **changes)
    state = replace(RUNNING, started_at=started)
    found = sync_verdict(
        parse_status(answer.body), rule.org_id, rule.accept_older_success, lambda: state
    )
    return found.found, found.kind is SyncKind.WRONG_ORG


def test_the_documented_success_after_the_containers_start_is_complete() -> None:
    assert verdict(status()) == ("", False)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Answer(200, b"OK"), "no updateStatus yet"),
        (status(update="InProgress"), 'updateStatus is "InProgress"'),
        (status(update="success"), 'updateStatus is "success"'),
        (status(sync="Merging"), 'syncStatus is "Merging"'),
        (status(processed=566), "Success, but 1 objects to go"),
        (status(org="no uuid"), "Success, but the message names no org id"),
        (status(at="soon"), "Success, but without the time it was reached"),
        (
            status(at=OLD),
            "the Success of 2026-11-22 08:59:59 is older than the container, which started"
            " 2026-11-22 09:00:00 UTC; waiting for a new one",
        ),
    ],
)
def test_anything_less_means_not_yet(answer: Answer, reason: str) -> None:
    assert verdict(answer) == (reason, False)


def test_a_success_without_high_water_marks_means_not_yet() -> None:
    body = status().body.replace(b'"latestHWM": 567', b'"latestHWM": null')
    assert verdict(Answer(200, body)) == ("Success, but without high-water marks", False)


def test_more_processed_than_latest_is_complete() -> None:
    assert verdict(status(processed=570)) == ("", False)


def test_an_unreadable_container_start_means_not_yet() -> None:
    assert verdict(status(), started=None)[0] == (
        "Success, but the container's start can't be read to compare it with"
    )


def test_an_older_success_is_taken_where_the_operator_accepts_it() -> None:
    assert verdict(status(at=OLD), accept_older_success=True) == ("", False)
    assert verdict(status(at="soon"), started=None, accept_older_success=True) == ("", False)


def test_a_success_of_another_org_is_final() -> None:
    reason = f"syncs to org {OTHER_ORG}, not to this stack's {ORG}"
    assert verdict(status(org=OTHER_ORG)) == (reason, True)


def test_an_older_success_of_another_org_is_not_final() -> None:
    assert not verdict(status(at=OLD, org=OTHER_ORG))[1]


def test_a_sync_of_nothing_has_no_percentage() -> None:
    wait = Wait([*[status(0, 0, update="InProgress")] * 3, status(0, 0)])
    assert wait.reported[0] == 'excs: sync HWM 0 of 0, updateStatus is "InProgress"'


def test_a_sync_that_stands_still_has_no_time_left() -> None:
    wait = Wait([*running(0, 24, 48, *[72] * 20), status()])
    assert "left" in wait.reported[1]
    assert not [line for line in wait.reported[5:] if "left" in line]


def test_the_org_id_is_compared_without_case() -> None:
    assert verdict(status(org=ORG.upper())) == ("", False)


class Wait:
    def __init__(
        self, answers: Iterable[Answer], container: FakeContainer | None = None, **changes: Any
    ) -> None:
        self.clock = FakeClock()
        self.service = FakeService(self.clock, list(answers))
        self.reported: list[str] = []
        self.error = ""
        started = self.clock.now
        try:
            wait_until_synced(
                replace(RULE, **changes), place(self.service, container or FakeContainer()),
                self.clock, lambda event: self.reported.append(shown(event)),
            )  # fmt: skip
        except GateError as error:
            self.error = str(error)
        self.seconds = self.clock.now - started


def running(*processed: int, latest: int = 567) -> list[Answer]:
    """Statuses of a sync under way; they take no time to arrive, so that rates are round."""
    return [
        replace(status(done, latest, update="InProgress", sync="InProgress"), seconds=0.0)
        for done in processed
    ]


def test_a_sync_is_followed_to_its_end_with_rate_and_time_left() -> None:
    wait = Wait([*running(*range(0, 567, 24)), status()])
    assert wait.error == ""
    assert wait.reported[:3] == [
        'excs: sync 0% (HWM 0 of 567), updateStatus is "InProgress"',
        "excs: sync 12% (HWM 72 of 567), 12 objects/s, about 41 s left",
        "excs: sync 25% (HWM 144 of 567), 12 objects/s, about 35 s left",
    ]
    assert wait.reported[-1] == "excs: sync complete after 48 s"


def test_a_long_sync_is_reported_every_half_minute_after_the_first() -> None:
    wait = Wait([*running(*range(1, 901), latest=900), status(900, 900)])
    assert wait.error == ""
    assert 12 + 56 <= len(wait.reported) <= 12 + 59
    assert wait.reported[20] == "excs: sync 20% (HWM 181 of 900), 0.50 objects/s, about 24 min left"


def test_only_the_marks_of_this_sync_count_towards_its_percentage() -> None:
    answers = [status(550, 600, update="InProgress", previous=500), status(600, 600, previous=500)]
    assert (
        Wait(answers).reported[0] == 'excs: sync 50% (HWM 550 of 600), updateStatus is "InProgress"'
    )


def test_a_sync_that_began_again_has_no_rate_from_before() -> None:
    wait = Wait([*running(0, 200, 400, 0, 0), status()], interval_seconds=5)
    assert wait.reported[3] == 'excs: sync 0% (HWM 0 of 567), updateStatus is "InProgress"'


def test_an_older_success_is_said_and_waited_out() -> None:
    wait = Wait([status(at=OLD), status()])
    assert (wait.error, wait.seconds < 5) == ("", True)
    assert wait.reported[0] == (
        "excs: sync 100% (HWM 567 of 567), the Success of 2026-11-22 08:59:59 is older than the"
        " container, which started 2026-11-22 09:00:00 UTC; waiting for a new one"
    )


def test_a_sync_that_stands_still_fails_at_the_stall_limit_and_says_how_far_it_got() -> None:
    wait = Wait(running(*range(0, 193, 12), 193))
    assert 900 <= wait.seconds - 2 * 17 < 904
    assert wait.error == (
        "excs on 10.77.0.101 makes no progress: the sync has stood still for 15 minutes at"
        ' 34% (HWM 193 of 567), updateStatus is "InProgress".\n'
        "  last answer: HTTP 200 from http://10.77.0.101:3640/status after 0.00 s\n"
        f"  its message: Latest database updates for orgId:{ORG} have been successfully processed\n"
        "  container of excs: running, last started 2026-11-22 09:00:00 UTC, restarted 0 times\n"
        "  its last 2 log lines:\n"
        "  | started\n"
        "  | ready\n"
        "  excs was left as it is.\n"
        "  Not touched, since they wait for this: exas, excp-1-1, excp-1-2.\n"
        "  Fix the cause and run `exctl up` again: it resumes at this gate;"
        " what is done stays."
    )


def test_a_time_stamp_that_ticks_is_no_progress() -> None:
    ticking = [
        status(193, update="InProgress", at=f"2026-11-22T10:{n // 60 % 60:02}:{n % 60:02}Z")
        for n in range(1000)
    ]
    assert 900 <= Wait(ticking).seconds < 910


def test_a_slow_sync_fails_at_the_deadline() -> None:
    wait = Wait(running(*range(1000, 4000), latest=9000), deadline_seconds=5400)
    assert 5400 <= wait.seconds < 5404
    assert wait.error.startswith(
        "excs on 10.77.0.101 has not completed its sync in 90 minutes: it is at"
        ' 41% (HWM 3700 of 9000), updateStatus is "InProgress".\n'
    )


def test_a_status_that_never_answers_fails_at_the_stall_limit() -> None:
    assert Wait([HUNG]).error.startswith(
        "excs on 10.77.0.101 makes no progress: the sync has stood still for 15 minutes,"
        " /status: no answer within 5 seconds.\n"
    )


def test_a_sync_to_another_org_fails_at_once() -> None:
    wait = Wait([status(org=OTHER_ORG)])
    assert wait.seconds < 1
    assert wait.error.startswith(
        f"excs on 10.77.0.101 syncs to org {OTHER_ORG}, not to this stack's {ORG}.\n"
    )


def test_an_excs_that_crashes_during_its_sync_is_not_waited_for() -> None:
    crashing = [ContainerState("restarting", 3, n, STARTED) for n in range(9)]
    wait = Wait([*running(5, 6), REFUSED], FakeContainer(crashing))
    assert wait.seconds < 20
    assert wait.error.startswith(
        "excs on 10.77.0.101 crashes again and again (exit code 3, restarted 3 times).\n"
    )


def test_a_stall_on_an_older_success_names_the_setting_that_accepts_it() -> None:
    error = Wait([status(at=OLD)]).error
    assert "\n  If this EXCS never renews it, set excs.sync_gate.accept_older_success to" in error


def test_a_container_that_started_anew_meanwhile_makes_its_success_old() -> None:
    later = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
    states = [ContainerState("running", 0, 1, later)]
    assert "is older than the container" in Wait([status()], FakeContainer(states)).error
