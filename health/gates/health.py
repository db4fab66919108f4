"""HealthGate: waits until an instance answers 200 several times in a row."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from health.contract import parse_health
from health.errors import GateError
from health.gates.clock import Clock, duration_text
from health.gates.crash_watch import CrashWatch
from health.probe import Answer, Probe
from hosts.container import Container

FIRST_ANSWER_PACE = 0.25
"""Chosen: until it answers, an instance is asked four times as often as it is confirmed, which
saves most of a second for each instance in a chain."""
REPORT_INTERVAL_SECONDS = 10.0
GO_ON = "Put the cause right and run `exctl up` again: it goes on at this gate, what is done stays."

Report = Callable[[str], None]


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


def wait_until_healthy(
    rule: HealthRule, probe: Probe, container: Container, clock: Clock, report: Report
) -> None:
    """Returns once the instance has answered 200 `in_a_row` times, `interval_seconds` apart.

    A hung service answers nothing within the probe's own limit, which starts the count again.

    Raises GateError at the deadline, or before it when the container crashes again and again or
    has ended for good.
    """
    started = clock.seconds()
    watch = CrashWatch(container, clock)
    reported_at = started
    in_a_row = 0
    while True:
        answer = probe(rule.url)
        waited = clock.seconds() - started
        in_a_row = in_a_row + 1 if answer.is_ok else 0
        if in_a_row >= rule.in_a_row:
            report(f"{rule.instance}: healthy after {waited:.1f} s")
            return
        if not answer.is_ok and (hopeless := watch.hopeless()):
            left = duration_text(max(0.0, rule.deadline_seconds - waited))
            summary = f"{hopeless}; not waiting for the {left} left of its deadline"
            raise _failure(rule, summary, answer, container)
        if waited >= rule.deadline_seconds:
            summary = f"is not healthy after {duration_text(rule.deadline_seconds)}: {_why(answer)}"
            raise _failure(rule, summary, answer, container)
        if clock.seconds() - reported_at >= REPORT_INTERVAL_SECONDS:
            reported_at = clock.seconds()
            report(
                f"{rule.instance}: not healthy yet: {_why(answer)};"
                f" {waited:.0f} of {rule.deadline_seconds:.0f} s"
            )
        clock.sleep(rule.interval_seconds * (1 if answer.is_ok else FIRST_ANSWER_PACE))


def go_on_lines(waiting: Sequence[str]) -> Iterator[str]:
    """What state the run is in after a gate failed, and the command to go on."""
    if waiting:
        yield f"Not touched, since they wait for this: {', '.join(waiting)}."
    else:
        yield "No other instance waits for this one."
    yield GO_ON


def container_lines(name: str, container: Container) -> Iterator[str]:
    """The container's state and its last log lines, for the end of an error."""
    yield f"container of {name}: {container.state()}"
    tail = container.log_tail()
    yield f"its last {len(tail)} log lines:" if tail else "its log: nothing could be read"
    yield from (f"| {line}" for line in tail)


def _why(answer: Answer) -> str:
    if answer.is_ok:
        return "HTTP 200, but not often enough in a row"
    down = parse_health(answer.body).down
    return f"{answer}, {down[0]}" if down else str(answer)


def _failure(rule: HealthRule, summary: str, answer: Answer, container: Container) -> GateError:
    down = parse_health(answer.body).down
    return GateError(
        f"{rule.instance} on {rule.host} {summary}.",
        [
            f"last answer: {answer} from {rule.url} after {answer.seconds:.2f} s",
            f"dependencies down: {', '.join(map(str, down)) or 'none named in the answer'}",
            *container_lines(rule.instance, container),
            *go_on_lines(rule.waiting),
        ],
    )
