"""HealthGate: waits until an instance's own container answers 200 several times in a row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from health.contract import parse_health
from health.errors import GateCode, GateError
from health.gates.clock import Clock, duration_text
from health.gates.crash_watch import CrashWatch, Hopeless
from health.gates.events import Healthy, NotHealthyYet, Report
from health.probe import NOT_ASKED
from health.verdict import (
    SETTLED_SECONDS,
    UNJUDGED,
    InstancePlace,
    Verdict,
    VerdictKind,
    is_young,
    judge,
)
from hosts.container import ContainerState, GatedContainer

FIRST_ANSWER_PACE = 0.25
"""Chosen: until it answers, an instance is asked four times as often as it is confirmed, which
saves most of a second for each instance in a chain."""
REPORT_INTERVAL_SECONDS = 10.0
GO_ON = "Fix the cause and run `exctl up` again: it resumes at this gate; what is done stays."


@dataclass(frozen=True)
class HealthRule:
    """What healthy means for one instance, and who waits for it."""

    instance: str
    host: str
    url: str
    deadline_seconds: float
    interval_seconds: float
    in_a_row: int
    waiting: tuple[str, ...] = ()


class _HealthWait:
    """One wait for one instance: what was answered how often, and what Docker said of it.

    Docker is asked at the first and at the last 200 of a row: what holds at both, held between. A
    new container whose port is answered from the first moment may have found a neighbour there: its
    row has to last until it would have failed.
    """

    def __init__(self, rule: HealthRule, place: InstancePlace, clock: Clock) -> None:
        self.rule = rule
        self.place = place
        self.clock = clock
        self.started = clock.seconds()
        self.watch = CrashWatch(place.container, clock)
        self.answer = NOT_ASKED
        self.verdict = UNJUDGED
        self.in_a_row = 0
        self._first: ContainerState | None = None
        self._row_began = self.started
        self._needed_seconds = 0.0
        self._was_down = False
        self._snag: Verdict | None = None

    def look(self) -> None:
        self.answer = self.place.probe(self.rule.url)
        if not self.answer.is_ok:
            self.in_a_row, self._was_down, self._snag = 0, True, None
            self.verdict = judge(self.answer, self.watch.look(), self.place.identity)
            return
        self.in_a_row += 1
        if self.in_a_row == 1:
            self._row_began = self.clock.seconds()
        elif not self.is_over:
            return
        state = self.place.container.state()
        before = None if self.in_a_row == 1 else self._first
        self.verdict = judge(self.answer, state, self.place.identity, before)
        if not self.verdict.is_healthy:
            self.in_a_row, self._snag = 0, self.verdict
            self.watch.note(state)
        elif before is None:
            is_odd = is_young(state) and not self._was_down
            self._needed_seconds = SETTLED_SECONDS if is_odd else 0.0
        self._first = state

    @property
    def is_over(self) -> bool:
        lasted = self.clock.seconds() - self._row_began
        return self.in_a_row >= self.rule.in_a_row and lasted >= self._needed_seconds

    def waited_seconds(self) -> float:
        return self.clock.seconds() - self.started

    def found(self) -> str:
        """Why it isn't healthy: in a row that has begun, what ended the one before."""
        if self.in_a_row:
            return str(self._snag or "HTTP 200, but not often enough in a row")
        return str(self.verdict)


def wait_until_healthy(
    rule: HealthRule, place: InstancePlace, clock: Clock, report: Report
) -> None:
    """Returns once the instance has answered 200 `in_a_row` times, `interval_seconds` apart, from
    the container that `place` names, which ran all the while.

    A hung service answers nothing within the probe's own limit, which starts the count again.

    Raises GateError at the deadline, or before it when the container crashes again and again or
    has ended for good.
    """
    wait = _HealthWait(rule, place, clock)
    reported_at = wait.started
    while True:
        wait.look()
        waited = wait.waited_seconds()
        if wait.is_over:
            report(Healthy(rule.instance, waited))
            return
        if not wait.in_a_row and (hopeless := wait.watch.hopeless()):
            raise _hopeless(wait, hopeless)
        if waited >= rule.deadline_seconds:
            limit = duration_text(rule.deadline_seconds)
            summary = f"is not healthy after {limit}: {wait.found()}"
            raise _failure(wait, GateCode.NOT_HEALTHY, summary)
        if clock.seconds() - reported_at >= REPORT_INTERVAL_SECONDS:
            reported_at = clock.seconds()
            report(
                NotHealthyYet(
                    rule.instance, wait.verdict.kind, wait.found(), waited, rule.deadline_seconds
                )
            )
        clock.sleep(rule.interval_seconds * (1 if wait.answer.is_ok else FIRST_ANSWER_PACE))


def waiting_lines(waiting: Sequence[str]) -> Iterator[str]:
    """What state the run is in after a gate failed."""
    if waiting:
        yield f"Not touched, since they wait for this: {', '.join(waiting)}."
    else:
        yield "No other instance waits for this one."


def container_lines(name: str, container: GatedContainer) -> Iterator[str]:
    """The container's state and its last log lines, for the end of an error."""
    yield f"container of {name}: {container.state()}"
    tail = container.log_tail()
    yield f"its last {len(tail)} log lines:" if tail else "its log: nothing could be read"
    yield from (f"| {line}" for line in tail)


def _hopeless(wait: _HealthWait, hopeless: Hopeless) -> GateError:
    left = duration_text(max(0.0, wait.rule.deadline_seconds - wait.waited_seconds()))
    also = f"; {wait.verdict}" if wait.verdict.kind is VerdictKind.FOREIGN else ""
    summary = f"{hopeless.text}{also}; not waiting for the {left} left of its deadline"
    return _failure(wait, hopeless.code, summary)


def _failure(wait: _HealthWait, code: GateCode, summary: str) -> GateError:
    rule, answer = wait.rule, wait.answer
    down = parse_health(answer.body).down
    return GateError(
        code,
        rule.instance,
        f"{rule.instance} on {rule.host} {summary}.",
        [
            f"last answer: {answer} from {rule.url} after {answer.seconds:.2f} s",
            f"dependencies down: {', '.join(map(str, down)) or 'none named in the answer'}",
            *container_lines(rule.instance, wait.place.container),
            *waiting_lines(rule.waiting),
        ],
        [GO_ON],
    )
