"""SyncGate: waits until EXCS says that all of Engage's objects are in Genesys Cloud."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from health.contract import Status, parse_status
from health.errors import GateCode, GateError
from health.gates.clock import Clock, duration_text
from health.gates.crash_watch import CrashWatch, Hopeless
from health.gates.events import Report, Synced, Syncing
from health.gates.health import GO_ON, container_lines, waiting_lines
from health.gates.sync_progress import SyncProgress
from health.probe import NOT_ASKED
from health.verdict import InstancePlace
from hosts.container import ContainerState

REPORT_INTERVAL_SECONDS = 5.0
SLOW_REPORT_INTERVAL_SECONDS = 30.0
SLOW_REPORT_AFTER_SECONDS = 60.0
"""Chosen: a first sync takes 30 to 40 minutes; a line each 5 seconds would be 400 lines of log."""


@dataclass(frozen=True)
class SyncRule:
    """When a sync is complete, how long it may take, and who waits for it."""

    instance: str
    host: str
    url: str
    org_id: str
    deadline_seconds: float
    stall_seconds: float
    interval_seconds: float
    accept_older_success: bool = False
    waiting: tuple[str, ...] = ()


class SyncKind(StrEnum):
    COMPLETE = "complete"
    NOT_YET = "not_yet"
    OLDER_SUCCESS = "older_success"
    """The Success may be another container's: Redis keeps it when EXCS is replaced."""
    WRONG_ORG = "wrong_org"
    """No waiting can change that."""


@dataclass(frozen=True)
class SyncVerdict:
    """How complete a sync is, and in words why it isn't."""

    kind: SyncKind
    found: str = ""


def _not_yet(found: str) -> SyncVerdict:
    return SyncVerdict(SyncKind.NOT_YET, found)


def sync_verdict(
    status: Status,
    org_id: str,
    accept_older_success: bool,
    container: Callable[[], ContainerState],
) -> SyncVerdict:
    """Whether EXCS reports a whole sync, by this container, to this stack's org.

    A word that isn't known means 'not yet': the vendor documents only Success. The container is
    asked for last, since that is a command on its host.

    Source: vendor's deployment page, "Run EXEC Services for First Time".
    """
    for name, phase in (("updateStatus", status.update), ("syncStatus", status.sync)):
        if not phase.is_success:
            return _not_yet(f'{name} is "{phase.status}"' if phase.status else f"no {name} yet")
    if status.latest_hwm is None or status.processed_hwm is None:
        return _not_yet("Success, but without high-water marks")
    if status.processed_hwm < status.latest_hwm:
        return _not_yet(f"Success, but {status.latest_hwm - status.processed_hwm} objects to go")
    if not accept_older_success and (doubt := _doubt_of_age(status, container().started_at)):
        return doubt
    if not status.org_ids:
        return _not_yet("Success, but the message names no org id")
    if others := [found for found in status.org_ids if UUID(found) != UUID(org_id)]:
        found = f"syncs to org {others[0]}, not to this stack's {org_id}"
        return SyncVerdict(SyncKind.WRONG_ORG, found)
    return SyncVerdict(SyncKind.COMPLETE)


def _doubt_of_age(status: Status, started_at: datetime | None) -> SyncVerdict | None:
    if status.sync.at is None or status.update.at is None:
        return _not_yet("Success, but without the time it was reached")
    if started_at is None:
        return _not_yet("Success, but the container's start can't be read to compare it with")
    reached_at = min(status.sync.at, status.update.at)
    if reached_at > started_at:
        return None
    return SyncVerdict(
        SyncKind.OLDER_SUCCESS,
        f"the Success of {reached_at:%Y-%m-%d %H:%M:%S} is older than the container, which"
        f" started {started_at:%Y-%m-%d %H:%M:%S} UTC; waiting for a new one",
    )


class _SyncWait:
    """One wait for one sync: what was asked, what was answered, and what is said about it."""

    def __init__(self, rule: SyncRule, place: InstancePlace, clock: Clock) -> None:
        self.rule = rule
        self.place = place
        self.clock = clock
        self.started = clock.seconds()
        self.progress = SyncProgress(moved_at=self.started)
        self.watch = CrashWatch(place.container, clock)
        self.answer = NOT_ASKED
        self.verdict = _not_yet("not asked yet")

    def look(self) -> None:
        self.answer = self.place.probe(self.rule.url)
        if not self.answer.is_ok:
            self.verdict = _not_yet(f"/status: {self.answer}")
            self.watch.look()
            return
        status = parse_status(self.answer.body)
        self.progress.note(self.clock.seconds(), status)
        rule, state = self.rule, self.place.container.state
        self.verdict = sync_verdict(status, rule.org_id, rule.accept_older_success, state)

    def waited_seconds(self) -> float:
        return self.clock.seconds() - self.started

    def hopeless(self) -> Hopeless | None:
        return None if self.answer.is_ok else self.watch.hopeless()

    def raise_if_hopeless(self) -> None:
        standing = self.clock.seconds() - self.progress.moved_at
        found = self.verdict.found
        where = f" at {done}" if (done := self.event().done) else ""
        if self.verdict.kind is SyncKind.WRONG_ORG:
            raise self._failure(GateCode.WRONG_ORG, found)
        if hopeless := self.hopeless():
            raise self._failure(hopeless.code, hopeless.text)
        if standing >= self.rule.stall_seconds:
            limit = duration_text(self.rule.stall_seconds)
            raise self._failure(
                GateCode.SYNC_STALLED,
                f"makes no progress: the sync has stood still for {limit}{where}, {found}",
            )
        if self.waited_seconds() >= self.rule.deadline_seconds:
            limit = duration_text(self.rule.deadline_seconds)
            raise self._failure(
                GateCode.SYNC_LATE, f"has not completed its sync in {limit}: it is{where}, {found}"
            )

    def event(self) -> Syncing:
        now, waited = self.clock.seconds(), self.waited_seconds()
        return self.progress.event(self.rule.instance, self.verdict.found, now, waited)

    def _failure(self, code: GateCode, summary: str) -> GateError:
        status, rule, older = self.progress.status, self.rule, SyncKind.OLDER_SUCCESS
        hint = "If this EXCS never renews it, set excs.sync_gate.accept_older_success to true."
        return GateError(
            code,
            rule.instance,
            f"{rule.instance} on {rule.host} {summary}.",
            [
                f"last answer: {self.answer} from {rule.url} after {self.answer.seconds:.2f} s",
                f"its message: {status.message or 'none'}",
                *container_lines(rule.instance, self.place.container),
                f"{rule.instance} was left as it is.",
                *waiting_lines(rule.waiting),
                *([hint] if self.verdict.kind is older else []),
            ],
            [GO_ON],
        )


def wait_until_synced(rule: SyncRule, place: InstancePlace, clock: Clock, report: Report) -> None:
    """Returns once `sync_verdict` has no more doubt; reports the progress meanwhile.

    EXCS is left as it is whatever happens: the next run resumes at this gate.

    Raises GateError at the deadline, when nothing has moved for `stall_seconds`, when EXCS syncs
    to another org, or when its container crashes again and again.
    """
    wait = _SyncWait(rule, place, clock)
    report_at = 0.0
    while True:
        wait.look()
        waited = wait.waited_seconds()
        if wait.verdict.kind is SyncKind.COMPLETE:
            report(Synced(rule.instance, waited))
            return
        wait.raise_if_hopeless()
        if waited >= report_at:
            slow = waited >= SLOW_REPORT_AFTER_SECONDS
            report_at = waited + (SLOW_REPORT_INTERVAL_SECONDS if slow else REPORT_INTERVAL_SECONDS)
            report(wait.event())
        clock.sleep(rule.interval_seconds)
