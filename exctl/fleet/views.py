"""A rollout as an operator reads it: its plan, its stacks while they change, what came of it. Pure
but for the live view."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from exctl.fleet.rollout import Rollout, StackRun
from exctl.fleet.runner import Runner
from exctl.fleet.schedule import Outcome, Wave
from exctl.terminal import live
from exctl.terminal.messages import begin_above, end_above
from stack.text import aligned, counted

if TYPE_CHECKING:
    from rich.console import Console

GROUPS = (
    ("done", Outcome.DONE),
    ("rolled back", Outcome.ROLLED_BACK),
    ("failed, see exctl status", Outcome.FAILED),
    ("interrupted, see exctl status", Outcome.INTERRUPTED),
    ("refused, nothing touched", Outcome.REFUSED),
    ("under way", Outcome.RUNNING),
    ("untouched", Outcome.WAITING),
    ("skipped", Outcome.SKIPPED),
)


def plan_lines(found: Rollout) -> list[str]:
    """What will happen, wave by wave."""
    lines: list[str] = []
    for wave in found.waves:
        lines.append(f"wave {wave.name}: {terms(wave)}")
        rows = [_plan_row(found.stacks[stack]) for stack in wave.stacks]
        lines += [f"  {line}" for line in aligned(rows)]
    return lines


def terms(wave: Wave) -> str:
    """How a wave goes."""
    parts = [f"{wave.max_parallel} at a time", f"{counted(wave.max_failures, 'failure')} allowed"]
    if wave.bake_seconds:
        parts.append(f"then watched for {wave.bake_seconds:g} s")
    if wave.approve:
        parts.append("asks before it begins")
    return ", ".join(parts)


def _plan_row(run: StackRun) -> tuple[str, str]:
    if run.outcome is Outcome.WAITING:
        return run.stack, run.change
    reason = f": {run.reason}" if run.reason else ""
    word = "skipped" if run.outcome is Outcome.SKIPPED else str(run.outcome)
    return run.stack, f"{word}{reason}"


def question(found: Rollout) -> str:
    """What is asked before anything begins."""
    count = len(found.of(Outcome.WAITING))
    return f"{' '.join(found.command)} on {counted(count, 'stack')}?"


def summary(found: Rollout) -> list[str]:
    """What came of it: which stacks are new, rolled back, untouched."""
    lines = [f"rollout {found.id} ({' '.join(found.command)}):"]
    for title, outcome in GROUPS:
        runs = found.of(outcome)
        plain = [run.stack for run in runs if not run.reason]
        lines += [f"  {title}: {', '.join(plain)}"] if plain else []
        lines += [f"  {title}: {run.stack}: {run.reason}" for run in runs if run.reason]
    return lines


def as_json(found: Rollout) -> dict[str, Any]:
    """A rollout for programs."""
    return {
        "id": found.id,
        "at": found.at,
        "by": found.by,
        "why": found.why,
        "command": list(found.command),
        "takes_back": found.takes_back,
        "is_over": found.is_over,
        "waves": [
            asdict(wave)
            | {"is_approved": wave.name in found.approved, "is_baked": wave.name in found.baked}
            for wave in found.waves
        ],
        "stacks": {name: asdict(run) for name, run in found.stacks.items()},
    }


class LiveView:
    """Each stack that changes, with a line of its own at the end of the terminal; nothing where
    there is none."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console
        self._live: Any = None

    @contextmanager
    def shown(self, runner: Runner) -> Iterator[None]:
        """Within, it is there."""
        if not live.is_wanted(self._console):
            yield
            return
        from rich.console import Console
        from rich.live import Live
        from rich.text import Text

        console = self._console or Console(stderr=True, highlight=False, soft_wrap=True)
        view = _View(runner)
        with Live(view, console=console, refresh_per_second=4.0, transient=True) as self._live:
            begin_above(lambda line: console.print(Text(line)))
            try:
                yield
            finally:
                end_above()
                self._live = None

    @contextmanager
    def away(self) -> Iterator[None]:
        """Within, it is away, for a question to be asked."""
        if self._live is None:
            yield
            return
        self._live.stop()
        try:
            yield
        finally:
            self._live.start()


class _View:
    """Computed again each time it is drawn, so that the seconds go on."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    def __rich__(self) -> Any:
        from rich.table import Table

        table = Table.grid(padding=(0, 2))
        for cells in live_rows(self._runner, time.monotonic()):
            table.add_row(*cells)
        return table


def live_rows(runner: Runner, now: float) -> Sequence[tuple[str, str, str]]:
    """(stack, what it is at, for how long) of each run under way, and a line for all."""
    outcomes = list(runner.rollout.outcomes.values())
    ended = sum(o not in (Outcome.WAITING, Outcome.RUNNING) for o in outcomes)
    rows = [
        (stack, child.words, f"{now - child.since:.0f} s")
        for stack, child in list(runner.children.items())
    ]
    return [*rows, ("", f"{ended} of {len(outcomes)} stacks", "")]
