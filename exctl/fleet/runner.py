"""Carries out a rollout: begins each stack's run when its turn has come, and notes how it ended."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from exctl import files
from exctl.errors import NothingTouched
from exctl.fleet import child, rollout
from exctl.fleet.child import EXCTL, Child, outcome_of
from exctl.fleet.passphrase import environment_with
from exctl.fleet.rollout import Rollout, StackRun
from exctl.fleet.schedule import Ask, Bake, Finish, Outcome, Start, Stop, Wave, next_steps
from exctl.history.recorder import ROLLOUT_VARIABLE
from exctl.pulumi.interrupts import SIGNALS
from exctl.releases import store as releases
from exctl.site import StackPlace
from exctl.terminal.messages import say, terminal_is_lost
from stack.text import time_text

LOOK_SECONDS = 0.2
BAKE_LOOK_SECONDS = 15.0


@dataclass(frozen=True)
class Means:
    """How a rollout is carried out. `ask` says whether a wave may begin, `unhealthy` gives the
    stacks that aren't well, each with why. `value` is what each run reads on stdin."""

    project: Path
    ask: Callable[[Wave], bool]
    unhealthy: Callable[[Sequence[str]], Mapping[str, str]]
    passphrase_commands: Mapping[str, Sequence[str]] = field(default_factory=dict)
    options: tuple[str, ...] = ()
    value: str = ""
    program: tuple[str, ...] = EXCTL
    bake_look_seconds: float = BAKE_LOOK_SECONDS


class Unapproved(Exception):
    """Nobody has approved the wave that comes next."""


class Runner:
    """One rollout under way. `children` are the runs, by stack."""

    def __init__(self, found: Rollout, means: Means) -> None:
        self.rollout = found
        self.children: dict[str, Child] = {}
        self.interrupts = 0
        self._means = means
        self._is_asking = False

    def go(self) -> Stop | Finish | None:
        """Until it stops or has finished; None if it was interrupted. What became of the stacks is
        in the rollout, and on the disk. Raises Unapproved at a wave that nobody lets begin."""
        with self._interruptible():
            while True:
                self._collect()
                if self.interrupts:
                    if not self.children:
                        return None
                else:
                    for step in self._next():
                        if isinstance(step, Stop | Finish):
                            self.rollout.is_over = isinstance(step, Finish)
                            self._save()
                            return step
                        self._do(step)
                time.sleep(LOOK_SECONDS)

    def _next(self) -> Sequence[Start | Ask | Bake | Stop | Finish]:
        r = self.rollout
        return next_steps(r.waves, r.hosts, r.outcomes, frozenset(r.approved), frozenset(r.baked))

    def _do(self, step: Start | Ask | Bake) -> None:
        match step:
            case Start(stack):
                self._start(self.rollout.stacks[stack])
            case Ask(wave):
                self._is_asking = True
                is_yes = self._means.ask(wave)
                self._is_asking = False
                if not is_yes:
                    raise Unapproved(wave.name)
                self.rollout.approved.append(wave.name)
                self._save()
            case Bake(wave):
                self._bake(wave)

    def _start(self, run: StackRun) -> None:
        place = StackPlace(self._means.project, run.stack)
        run.began, run.ended, run.exit_code, run.pid = time_text(), "", None, 0
        if files.sha256_of(place.file) != run.file_sha256:
            self._ends(run, Outcome.REFUSED, "its stack file was changed since the plan")
            return
        command = self._means.passphrase_commands.get(run.stack)
        try:
            environment = environment_with(command, self._means.project)
        except NothingTouched as error:
            self._ends(run, Outcome.REFUSED, str(error))
            return
        run.outcome, run.reason = Outcome.RUNNING, ""
        self._save()  # before it begins: who finds RUNNING looks whether it did
        say(f"{run.stack}: {run.change}")
        environment[ROLLOUT_VARIABLE] = self.rollout.id
        self.children[run.stack] = begun = self._begun(run, environment)
        run.pid = begun.process.pid
        self._save()

    def _begun(self, run: StackRun, environment: Mapping[str, str]) -> Child:
        kept = rollout.directory_of(self._means.project) / self.rollout.id
        kept.mkdir(mode=0o700, exist_ok=True)
        why = ["-m", self.rollout.why] if self.rollout.why else []
        command = [
            *self._means.program, *run.words, "--stack", run.stack, "--yes", "--json",
            *why, *self._means.options,
        ]  # fmt: skip
        events = kept / f"{run.stack}.jsonl"
        return child.begun(command, self._means.project, environment, events, self._means.value)

    def _collect(self) -> None:
        for stack, of in list(self.children.items()):
            code = of.process.poll()
            of.hear()
            if code is None:
                continue
            del self.children[stack]
            run = self.rollout.stacks[stack]
            run.exit_code = code
            error = of.cause or str(of.ended.get("error", "")) or of.last_line
            outcome = outcome_of(code, of.ended.get("touched"))
            reason = "" if outcome is Outcome.DONE else error.partition("\n")[0]
            self._ends(run, outcome, reason)

    def _ends(self, run: StackRun, outcome: Outcome, reason: str) -> None:
        run.outcome, run.reason, run.ended = outcome, reason, time_text()
        place = StackPlace(self._means.project, run.stack)
        run.release_after = next(iter(reversed(releases.numbers(place))), None)
        self._save()
        say(f"{run.stack}: {outcome}{f': {reason}' if reason else ''}")

    def _bake(self, wave: Wave) -> None:
        """Watches the wave's new stacks; what isn't well at two looks in a row, or at the last one,
        has failed."""
        say(f"wave {wave.name}: watching its stacks for {wave.bake_seconds:g} s")
        until = time.monotonic() + wave.bake_seconds
        before: Mapping[str, str] = {}
        while True:
            left = until - time.monotonic()
            if self._waits(min(max(left, 0.0), self._means.bake_look_seconds)):
                return
            meant = [s for s in wave.stacks if self.rollout.stacks[s].outcome is Outcome.DONE]
            found = self._means.unhealthy(meant)
            is_last = left <= self._means.bake_look_seconds
            for stack, why in found.items():
                if is_last or stack in before:
                    reason = f"not healthy in the bake of its wave: {why}"
                    self._ends(self.rollout.stacks[stack], Outcome.FAILED, reason)
            before = found
            if is_last:
                self.rollout.baked.append(wave.name)
                self._save()
                return

    def _waits(self, seconds: float) -> bool:
        """Whether it was interrupted meanwhile."""
        until = time.monotonic() + seconds
        while time.monotonic() < until and not self.interrupts:
            time.sleep(min(LOOK_SECONDS, max(0.0, until - time.monotonic())))
        return bool(self.interrupts)

    def _save(self) -> None:
        rollout.save(self._means.project, self.rollout)

    @contextmanager
    def _interruptible(self) -> Iterator[None]:
        def handle(number: int, _frame: FrameType | None) -> None:
            self.interrupts += 1
            if number == signal.SIGHUP:
                terminal_is_lost()
            if self._is_asking:
                raise KeyboardInterrupt
            if self.interrupts == 1:
                count = len(self.children)
                say(
                    f"interrupted: no further stack begins; {count} under way run to their end;"
                    f" Ctrl-C again interrupts those too"
                )
                return
            for of in self.children.values():
                of.process.send_signal(signal.SIGINT)

        before = {number: signal.signal(number, handle) for number in SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
