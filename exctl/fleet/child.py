"""One stack's run: an exctl of its own, followed by its events.

Its words go into files, not pipes, so that it goes on if the fleet's command is killed.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from exctl.errors import NothingTouched
from exctl.fleet.schedule import Outcome

LIMIT_SECONDS = 600.0
PARALLEL = 4
"""Runs that change nothing go side by side, as many at once."""
EXCTL = (sys.executable, "-P", "-m", "exctl")
_OUTCOMES = {
    0: Outcome.DONE,
    2: Outcome.REFUSED,
    3: Outcome.ROLLED_BACK,
    130: Outcome.INTERRUPTED,
}


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

    @property
    def last_line(self) -> str:
        """The last words of a run that didn't come to its own."""
        try:
            lines = self.events.with_suffix(".log").read_text("utf-8", "replace").splitlines()
        except OSError:
            return ""
        told = [line.removeprefix("exctl: ") for line in lines if line.startswith("exctl: ")]
        return next(iter(told or [line for line in lines if line.strip()][-1:]), "")

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


def begun(
    command: Sequence[str], project: Path, environment: Mapping[str, str], events: Path, value: str
) -> Child:
    """The run of this command: its events go into that file, what else it says beside it. It reads
    `value` on stdin."""
    with events.open("wb") as output, events.with_suffix(".log").open("wb") as errors:
        process = subprocess.Popen(
            command,
            cwd=project,
            env=environment,
            stdin=subprocess.PIPE if value else subprocess.DEVNULL,
            stdout=output,
            stderr=errors,
            start_new_session=True,  # a terminal's Ctrl-C is for us to pass on
        )
    if process.stdin is not None:
        _given(process.stdin, value)
    return Child(process, events)


def ran(
    command: Sequence[str], project: Path, environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """A run that changes nothing, once it has ended. NothingTouched if it doesn't in time."""
    try:
        return subprocess.run(
            command,
            cwd=project,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LIMIT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise NothingTouched(f"doesn't end in {LIMIT_SECONDS:g} s") from None


def outcome_of(code: int, touched: object) -> Outcome:
    """What an exit code of a stack's run means for it. Pure."""
    if code < 0:
        return Outcome.INTERRUPTED
    if code in _OUTCOMES:
        return _OUTCOMES[code]
    return Outcome.REFUSED if touched is False else Outcome.FAILED


def _given(pipe: IO[bytes], value: str) -> None:
    try:
        with pipe:
            pipe.write(value.encode())
    except OSError:  # it has ended already, and will say why
        return
