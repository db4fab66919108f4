"""How an instance is, from what its port answers and what Docker says of its container. Pure.

One judgement for gates, guard, the last look and `exctl status`: a 200 alone isn't health, since
another server may hold the port, or another name of the same host may lead to a neighbour.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from health.contract import parse_health
from health.probe import NOT_ASKED, Answer, AnswerKind, Probe
from hosts.container import ContainerState, GatedContainer

SETTLED_SECONDS = 10.0
"""How long a start must hold where a neighbour may be the one that answers. Source: Docker takes a
container that ran for 10 s for a start that worked, and starts its pauses between restarts over."""
YOUNG_SECONDS = 60.0
"""Chosen: more than clocks differ by where the preflight doesn't warn: no new one passes as old."""
CONFIRM_SECONDS = 2.0
"""Chosen: a service that can't bind its port is gone by then (Measured: the stand-ins, 1 s)."""


@dataclass(frozen=True)
class Identity:
    """What makes a container the one that is meant: its id, its labels, or nothing but its name."""

    id: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)

    def fits(self, state: ContainerState) -> bool:
        return self.id in ("", state.id) and self.labels.items() <= state.labels.items()


class VerdictKind(StrEnum):
    HEALTHY = "healthy"
    """200 from our container, which runs."""
    UNHEALTHY = "unhealthy"
    """Our container runs and says itself that it isn't well."""
    RESTARTED = "restarted"
    """200, but our container was restarted since the first look."""
    FOREIGN = "foreign"
    """The port is answered, or the container's name is held, by something that isn't ours."""
    DOWN = "down"
    """Certain: it doesn't serve."""
    UNKNOWN = "unknown"
    """Neither a yes nor a no."""


@dataclass(frozen=True)
class Verdict:
    """How an instance is, and what that was told from."""

    kind: VerdictKind
    answer: Answer
    state: ContainerState

    @property
    def is_healthy(self) -> bool:
        return self.kind is VerdictKind.HEALTHY

    @property
    def is_gone(self) -> bool:
        """Certain that it doesn't serve: nothing listens, or its container is there and doesn't
        run. One that is missing while the port is answered may run under another name."""
        if self.kind is VerdictKind.FOREIGN:
            return self.state.is_gone and self.state.word != "missing"
        return self.kind is VerdictKind.DOWN

    def __str__(self) -> str:
        state, answer = self.state, self.answer
        down = parse_health(answer.body).down
        said = f"{answer}, {down[0]}" if down and not answer.is_ok else str(answer)
        match self.kind:
            case VerdictKind.RESTARTED:
                return f"{said}, but its container was restarted meanwhile"
            case VerdictKind.FOREIGN if state.word in ("running", "paused"):
                return f"its container is another one ({_whose(state)})"
            case VerdictKind.FOREIGN:
                return f"{said}, but from another server: its container is {state.word}"
            case VerdictKind.DOWN if state.is_gone:
                return f"its container is {state.word}"
            case VerdictKind.UNKNOWN if answer.is_ok:
                return f"{said}, but its container is {state}"
        return said


UNJUDGED = Verdict(VerdictKind.UNKNOWN, NOT_ASKED, ContainerState("", error="not asked"))


def _whose(state: ContainerState) -> str:
    stack = state.labels.get("exec.stack")
    return f"of the stack {stack}" if stack else f"id {state.id[:12]}, not of this stack"


def judge(
    answer: Answer,
    state: ContainerState,
    identity: Identity,
    before: ContainerState | None = None,
) -> Verdict:
    """How an instance is; `before` is its container's state at an earlier look."""
    return Verdict(_kind(answer, state, identity, before), answer, state)


def _kind(
    answer: Answer, state: ContainerState, identity: Identity, before: ContainerState | None
) -> VerdictKind:
    if not state.is_known:
        # Only a refusal tells without Docker's word: where nothing listens, nothing serves.
        return VerdictKind.DOWN if answer.kind is AnswerKind.REFUSED else VerdictKind.UNKNOWN
    if state.word != "missing" and not identity.fits(state):
        return VerdictKind.FOREIGN
    if state.word != "running":
        if answer.code is not None and state.word != "paused":
            return VerdictKind.FOREIGN
        is_down = state.is_gone or answer.kind is AnswerKind.REFUSED
        return VerdictKind.DOWN if is_down else VerdictKind.UNKNOWN
    match answer.kind:
        case AnswerKind.OK:
            return VerdictKind.HEALTHY if _is_same_run(state, before) else VerdictKind.RESTARTED
        case AnswerKind.UNHEALTHY:
            return VerdictKind.UNHEALTHY
        case AnswerKind.REFUSED:
            return VerdictKind.DOWN
    return VerdictKind.UNKNOWN


def _is_same_run(state: ContainerState, before: ContainerState | None) -> bool:
    return before is None or run_of(state) == run_of(before)


def run_of(state: ContainerState) -> tuple[str, int, datetime | None]:
    """What changes when a container is restarted."""
    return state.id, state.restarts, state.started_at


def is_young(state: ContainerState) -> bool:
    """Whether it was started within the last minute, as far as clocks agree."""
    if state.started_at is None:
        return True
    return (datetime.now(UTC) - state.started_at).total_seconds() < YOUNG_SECONDS


@dataclass(frozen=True)
class InstancePlace:
    """Where an instance is, or was: how it is asked there, and which container it should be."""

    url: str
    probe: Probe
    container: GatedContainer
    identity: Identity
    settle: Probe | None = None
    """Asks again where `probe` couldn't tell a closed port from a forwarding that isn't allowed."""

    def look(self, before: ContainerState | None = None) -> Verdict:
        answer = self.probe(self.url)
        return judge(answer, self.container.state(), self.identity, before)

    def confirmed(self, sleep: Callable[[float], object]) -> Verdict:
        """The same, looked at twice where Docker has restarted the container before: it may crash
        again and again while another server answers on its port."""
        verdict = self.look()
        if not verdict.is_healthy or not verdict.state.restarts:
            return verdict
        sleep(CONFIRM_SECONDS)
        return self.look(before=verdict.state)

    def settled(self) -> Verdict:
        """The same, as certain as it can be had; costs a login where forwarding failed."""
        verdict = self.look()
        unsure = verdict.answer.kind is AnswerKind.FORWARD_FAILED and not verdict.is_gone
        if unsure and self.settle is not None:
            return judge(self.settle(self.url), verdict.state, self.identity)
        return verdict
