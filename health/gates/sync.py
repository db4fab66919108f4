"""SyncGate: waits until EXCS says that all of Engage's objects are in Genesys Cloud."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from health.contract import Status, parse_status
from health.errors import GateError
from health.gates.clock import Clock, duration_text
from health.gates.crash_watch import CrashWatch
from health.gates.health import Report, container_lines, go_on_lines
from health.gates.sync_progress import Progress
from health.probe import Answer, Probe
from hosts.container import Container

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


@dataclass(frozen=True)
class Verdict:
    """Why a sync isn't complete, '' if it is; `is_final` if no waiting can change that."""

    reason: str = ""
    is_final: bool = False


def sync_verdict(
    status: Status, rule: SyncRule, container_start: Callable[[], datetime | None]
) -> Verdict:
    """Whether EXCS reports a whole sync, by this container, to this stack's org.

    A word that isn't known means 'not yet': the vendor documents only Success. The container's
    start is asked for last, since that is a command on its host.

    Source: vendor's deployment page, "Run EXEC Services for First Time".
    """
    for name, phase in (("updateStatus", status.update), ("syncStatus", status.sync)):
        if not phase.is_success:
            return Verdict(f'{name} is "{phase.status}"' if phase.status else f"no {name} yet")
    if status.latest_hwm is None or status.processed_hwm is None:
        return Verdict("Success, but without high-water marks")
    if status.processed_hwm < status.latest_hwm:
        return Verdict(f"Success, but {status.latest_hwm - status.processed_hwm} objects to go")
    if not rule.accept_older_success and (doubt := _doubt_of_age(status, container_start())):
        return Verdict(doubt)
    if not status.org_ids:
        return Verdict("Success, but the message names no org id")
    others = [org for org in status.org_ids if org.lower() != rule.org_id.lower()]
    if others:
        return Verdict(f"syncs to org {others[0]}, not to this stack's {rule.org_id}", True)
    return Verdict()


def _doubt_of_age(status: Status, started_at: datetime | None) -> str:
    """Why the Success may be another container's: Redis keeps it when EXCS is replaced."""
    if status.sync.at is None or status.update.at is None:
        return "Success, but without the time it was reached"
    if started_at is None:
        return "Success, but the container's start can't be read to compare it with"
    reached_at = min(status.sync.at, status.update.at)
    if reached_at > started_at:
        return ""
    return (
        f"the Success of {reached_at:%Y-%m-%d %H:%M:%S} is older than the container, which"
        f" started {started_at:%Y-%m-%d %H:%M:%S} UTC; waiting for a new one"
    )


class _SyncWait:
    """One wait for one sync: what was asked, what was answered, and what is said about it."""

    def __init__(self, rule: SyncRule, probe: Probe, container: Container, clock: Clock) -> None:
        self.rule = rule
        self.probe = probe
        self.container = container
        self.clock = clock
        self.started = clock.seconds()
        self.progress = Progress(moved_at=self.started)
        self.watch = CrashWatch(container, clock)
        self.answer = Answer(None)
        self.verdict = Verdict("not asked yet")
        self.hopeless = ""

    def look(self) -> None:
        self.answer = self.probe(self.rule.url)
        if not self.answer.is_ok:
            self.verdict = Verdict(f"/status: {self.answer}")
            self.hopeless = self.watch.hopeless()
            return
        status = parse_status(self.answer.body)
        self.progress.note(self.clock.seconds(), status)
        self.verdict = sync_verdict(status, self.rule, lambda: self.container.state().started_at)

    def waited_seconds(self) -> float:
        return self.clock.seconds() - self.started

    def raise_if_in_vain(self) -> None:
        standing = self.clock.seconds() - self.progress.moved_at
        where = f" at {done}" if (done := self.progress.done()) else ""
        if self.verdict.is_final:
            raise self._failure(self.verdict.reason)
        if self.hopeless:
            raise self._failure(self.hopeless)
        if standing >= self.rule.stall_seconds:
            limit = duration_text(self.rule.stall_seconds)
            raise self._failure(
                f"makes no progress: the sync has stood still for {limit}{where},"
                f" {self.verdict.reason}"
            )
        if self.waited_seconds() >= self.rule.deadline_seconds:
            limit = duration_text(self.rule.deadline_seconds)
            raise self._failure(
                f"has not completed its sync in {limit}: it is{where}, {self.verdict.reason}"
            )

    def line(self) -> str:
        done = self.progress.done()
        if not done:
            return f"{self.rule.instance}: sync: {self.verdict.reason}"
        pace = self.progress.pace()
        return f"{self.rule.instance}: sync {done}{pace or f', {self.verdict.reason}'}"

    def _failure(self, summary: str) -> GateError:
        status, rule = self.progress.status, self.rule
        return GateError(
            f"{rule.instance} on {rule.host} {summary}.",
            [
                f"last answer: {self.answer} from {rule.url} after {self.answer.seconds:.2f} s",
                f"its message: {status.message or 'none'}",
                *container_lines(rule.instance, self.container),
                f"{rule.instance} was left as it is.",
                *go_on_lines(rule.waiting),
                *_hints(self.verdict),
            ],
        )


def _hints(verdict: Verdict) -> tuple[str, ...]:
    if "older than the container" not in verdict.reason:
        return ()
    return ("If this EXCS never renews it, set excs.sync_gate.accept_older_success to true.",)


def wait_until_synced(
    rule: SyncRule, probe: Probe, container: Container, clock: Clock, report: Report
) -> None:
    """Returns once `sync_verdict` has no more doubt; reports the progress meanwhile.

    EXCS is left as it is whatever happens: the next run goes on at this gate.

    Raises GateError at the deadline, when nothing has moved for `stall_seconds`, when EXCS syncs
    to another org, or when its container crashes again and again.
    """
    wait = _SyncWait(rule, probe, container, clock)
    report_at = 0.0
    while True:
        wait.look()
        waited = wait.waited_seconds()
        if not wait.verdict.reason:
            report(f"{rule.instance}: sync complete after {waited:.0f} s")
            return
        wait.raise_if_in_vain()
        if waited >= report_at:
            slow = waited >= SLOW_REPORT_AFTER_SECONDS
            report_at = waited + (SLOW_REPORT_INTERVAL_SECONDS if slow else REPORT_INTERVAL_SECONDS)
            report(wait.line())
        clock.sleep(rule.interval_seconds)
