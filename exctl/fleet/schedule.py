"""What a rollout does next: pure, from its waves and what became of each stack so far.

Held whatever happens: no two stacks that share a host change at once; never more of a wave than
`max_parallel`; nothing of a wave before all of the one before it has ended, within what may fail,
has baked, and, where the wave wants it, somebody has approved.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """What became of a stack in a rollout."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    SKIPPED = "skipped"
    """Left alone on purpose: frozen, pinned, or as wanted already."""
    FAILED = "failed"
    ROLLED_BACK = "rolled back"
    REFUSED = "refused"
    """Nothing of it was touched."""
    INTERRUPTED = "interrupted"


BAD = frozenset({Outcome.FAILED, Outcome.ROLLED_BACK, Outcome.REFUSED, Outcome.INTERRUPTED})
"""What counts against `max_failures`, and what a resumed rollout tries again."""


@dataclass(frozen=True)
class Wave:
    """Some stacks that change together."""

    name: str
    stacks: tuple[str, ...]
    max_parallel: int = 1
    max_failures: int = 0
    bake_seconds: float = 0.0
    approve: bool = False


@dataclass(frozen=True)
class Start:
    """Begin the stack's run."""

    stack: str


@dataclass(frozen=True)
class Ask:
    """Ask whether the wave may begin."""

    wave: Wave


@dataclass(frozen=True)
class Bake:
    """Watch the wave's stacks for a while."""

    wave: Wave


@dataclass(frozen=True)
class Stop:
    """The rollout ends here: more of the wave has failed than may."""

    wave: Wave


@dataclass(frozen=True)
class Finish:
    """Every wave has ended."""


Step = Start | Ask | Bake | Stop | Finish


def next_steps(
    waves: tuple[Wave, ...],
    hosts: Mapping[str, frozenset[str]],
    outcomes: Mapping[str, Outcome],
    approved: frozenset[str] = frozenset(),
    baked: frozenset[str] = frozenset(),
) -> list[Step]:
    """What is to be done now; [] while there is nothing to do but wait for a run that is under way.

    `hosts`: those of each stack. `approved` and `baked`: names of waves.
    """
    for wave in waves:
        of = {stack: outcomes[stack] for stack in wave.stacks}
        running = [stack for stack, outcome in of.items() if outcome is Outcome.RUNNING]
        waiting = [stack for stack, outcome in of.items() if outcome is Outcome.WAITING]
        if sum(outcome in BAD for outcome in of.values()) > wave.max_failures:
            return [] if running else [Stop(wave)]
        if waiting and wave.approve and wave.name not in approved:
            return [] if running else [Ask(wave)]
        if waiting or running:
            return [*_starts(wave, waiting, running, hosts)]
        is_new = Outcome.DONE in of.values()
        if wave.bake_seconds and is_new and wave.name not in baked:
            return [Bake(wave)]
    return [Finish()]


def _starts(
    wave: Wave, waiting: list[str], running: list[str], hosts: Mapping[str, frozenset[str]]
) -> list[Start]:
    """Those that may begin beside those that run, in the wave's order."""
    busy = frozenset[str]().union(*(hosts[stack] for stack in running))
    found: list[Start] = []
    for stack in waiting:
        if len(running) + len(found) >= wave.max_parallel:
            break
        if not busy & hosts[stack]:
            found.append(Start(stack))
            busy |= hosts[stack]
    return found
