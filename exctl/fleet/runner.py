"""Carries out a rollout: each stack's run is an exctl of its own, followed by its events.

A run's words go into files, not pipes, so that it goes on if the fleet's command is killed; the
next one finds by its record how it ended.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import IO, Any

from exctl import files
from exctl.errors import ExctlError, NothingTouched
from exctl.fleet import rollout
from exctl.fleet.rollout import Rollout, StackRun
from exctl.fleet.schedule import Ask, Bake, Finish, Outcome, Start, Stop, Wave, next_steps
from exctl.history import store as history
from exctl.history.recorder import ROLLOUT_VARIABLE
from exctl.history.run import KILLED, NO_END, UNDER_WAY
from exctl.pulumi.interrupts import SIGNALS
from exctl.releases import store as releases
from exctl.site import StackPlace
from exctl.terminal.messages import say, terminal_is_lost
from health.runlock import Holder
from stack.text import parse_time, time_text

EXCTL = (sys.executable, "-P", "-m", "exctl")
LOOK_SECONDS = 0.2
BAKE_LOOK_SECONDS = 15.0
PASSPHRASE_SECONDS = 60.0
_OUTCOMES = {
    0: Outcome.DONE,
    2: Outcome.REFUSED,
    3: Outcome.ROLLED_BACK,
    130: Outcome.INTERRUPTED,
}


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


@dataclass
class Child:
    """A run under way, and what it has said last."""

    process: subprocess.Popen[bytes]
    events: Path
    words: str = "begun"
    since: float = field(default_factory=time.monotonic)
    ended: Mapping[str, Any] = field(default_factory=dict)
    cause: str = ""
    """Why it went back; '' if it hasn't."""
    _told: int = 0

    def hear(self) -> None:
        """Takes in the events that have come since."""
        with self.events.open("rb") as file:
            file.seek(self._told)
            lines, end, _ = file.read().rpartition(b"\n")
        self._told += len(lines) + len(end)
        for line in lines.splitlines():
            try:
                event = json.loads(line)
            except ValueError:
                continue
            if event.get("kind") == "ended":
                self.ended = event
            if event.get("kind") == "rolling_back":
                self.cause = str(event.get("reason", ""))
            self.words = words_of(event) or self.words


def words_of(event: Mapping[str, Any]) -> str:
    """What an event means for the one line that a stack has; '' if nothing. Pure."""
    instance = event.get("instance", "")
    match event.get("kind"):
        case "preflight":
            return "preflight done"
        case "plan":
            count = len(event.get("touches") or ())
            return f"plan: {count} of its instances"
        case "step" if event.get("state") == "begun":
            return f"{instance}: {event.get('what')}"
        case "healthy":
            return f"{instance}: healthy"
        case "syncing":
            return f"{instance}: syncing, {event.get('found', '')}"
        case "baking":
            return f"{instance}: watched"
        case "rolling_back":
            return f"ROLLING BACK to release {event.get('release')}"
        case "ended":
            return str(event.get("result", ""))
    return ""


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
        try:
            environment = self._environment(run.stack)
        except NothingTouched as error:
            self._ends(run, Outcome.REFUSED, str(error))
            return
        run.outcome, run.reason = Outcome.RUNNING, ""
        self._save()  # before it begins: who finds RUNNING looks whether it did
        say(f"{run.stack}: {run.change}")
        self.children[run.stack] = child = self._begun(run, environment)
        run.pid = child.process.pid
        self._save()

    def _begun(self, run: StackRun, environment: Mapping[str, str]) -> Child:
        kept = rollout.directory_of(self._means.project) / self.rollout.id
        kept.mkdir(mode=0o700, exist_ok=True)
        events, said = kept / f"{run.stack}.jsonl", kept / f"{run.stack}.log"
        why = ["-m", self.rollout.why] if self.rollout.why else []
        command = [
            *self._means.program, *run.words, "--stack", run.stack, "--yes", "--json",
            *why, *self._means.options,
        ]  # fmt: skip
        with events.open("wb") as output, said.open("wb") as errors:
            process = subprocess.Popen(
                command,
                cwd=self._means.project,
                env=environment,
                stdin=subprocess.PIPE if self._means.value else subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
                start_new_session=True,  # a terminal's Ctrl-C is for us to pass on
            )
        if process.stdin is not None:
            _given(process.stdin, self._means.value)
        return Child(process, events)

    def _environment(self, stack: str) -> dict[str, str]:
        """Raises NothingTouched if the passphrase can't be had."""
        found = {**os.environ, ROLLOUT_VARIABLE: self.rollout.id}
        found.pop("PULUMI_STACK", None)
        command = self._means.passphrase_commands.get(stack)
        if command is None:
            return found
        found.pop("PULUMI_CONFIG_PASSPHRASE_FILE", None)
        return found | {"PULUMI_CONFIG_PASSPHRASE": passphrase(command, self._means.project)}

    def _collect(self) -> None:
        for stack, child in list(self.children.items()):
            code = child.process.poll()
            child.hear()
            if code is None:
                continue
            del self.children[stack]
            run = self.rollout.stacks[stack]
            run.exit_code = code
            said = str(child.ended.get("error", "")) or _last_line(child.events)
            error = child.cause or said
            outcome = outcome_of(code, child.ended.get("touched"))
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
                    f"interrupted: no further stack begins; {count} under way end as they would;"
                    " once more interrupts those too"
                )
                return
            for child in self.children.values():
                child.process.send_signal(signal.SIGINT)

        before = {number: signal.signal(number, handle) for number in SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def outcome_of(code: int, touched: object) -> Outcome:
    """What an exit code of a stack's run means for it. Pure."""
    if code < 0:
        return Outcome.INTERRUPTED
    if code in _OUTCOMES:
        return _OUTCOMES[code]
    return Outcome.REFUSED if touched is False else Outcome.FAILED


def passphrase(command: Sequence[str], project: Path) -> str:
    """What a command prints. Raises NothingTouched if it fails; never with what it said."""
    try:
        said = subprocess.run(
            command,
            cwd=project,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PASSPHRASE_SECONDS,
            check=True,
        ).stdout
    except subprocess.CalledProcessError as error:
        why = f"ends with {error.returncode}"
    except subprocess.TimeoutExpired:
        why = f"doesn't end in {PASSPHRASE_SECONDS:g} s"
    except (OSError, UnicodeDecodeError) as error:
        why = f"can't be run: {getattr(error, 'strerror', None) or 'what it prints is no text'}"
    else:
        if found := said.removesuffix("\n"):
            return found
        why = "prints nothing"
    raise NothingTouched(f"its passphrase_command ({command[0]}) {why}")


def settled(project: Path, found: Rollout) -> None:
    """What became of runs that were under way when the fleet's command ended, from their records;
    waits for those that still are. Raises ExctlError where that can't be told."""
    for run in found.of(Outcome.RUNNING):
        is_said = False
        while _is_alive(run) or _settle(project, found, run):
            if not is_said:
                say(f"{run.stack}: its run (process {run.pid}) still goes on; waiting for its end")
                is_said = True
            time.sleep(1.0)
    rollout.save(project, found)


def _is_alive(run: StackRun) -> bool:
    holder = Holder(run.pid, "", socket.gethostname(), parse_time(run.began))
    return bool(run.pid and holder.lives)


def _settle(project: Path, found: Rollout, run: StackRun) -> bool:
    """Whether its run still goes on; else its outcome is set."""
    place = StackPlace(project, run.stack)
    of = [each for each in history.read(place).runs if each.begun.get("rollout") == found.id]
    if not of or of[-1].at < run.began:
        run.outcome = Outcome.WAITING  # it never began
        return False
    last = of[-1]
    if last.result == UNDER_WAY:
        return True
    if last.result == NO_END:
        raise ExctlError(
            f"{run.stack}: its run began on {last.who}, and whether it ended can't be told from"
            " here; go on there",
            touched=False,
        )
    run.release_after = next(iter(reversed(releases.numbers(place))), None)
    if last.result == KILLED or last.ended is None:
        run.outcome, run.reason = Outcome.INTERRUPTED, "its run was killed"
        return False
    run.exit_code = int(last.ended.get("exit_code", 1))
    run.outcome = outcome_of(run.exit_code, last.ended.get("touched"))
    run.reason = last.error.partition("\n")[0]
    return False


def _given(pipe: IO[bytes], value: str) -> None:
    try:
        with pipe:
            pipe.write(value.encode())
    except OSError:  # it has ended already, and will say why
        return


def _last_line(events: Path) -> str:
    """The last words of a run that didn't come to its own."""
    try:
        lines = events.with_suffix(".log").read_text("utf-8", "replace").strip().splitlines()
    except OSError:
        return ""
    told = [line.removeprefix("exctl: ") for line in lines if line.startswith("exctl: ")]
    return next(iter(told or lines[-1:]), "")
