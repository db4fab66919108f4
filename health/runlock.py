"""The file of a stack's run: who is at the stack, and whether the operator still wants its end.

exctl holds it while it works; a gate, which runs in a process that no Ctrl-C reaches and may wait
for an hour, looks into it at each step. With plain `pulumi up` there is none: then a gate ends at
its deadline, or with a second Ctrl-C.
"""

from __future__ import annotations

import getpass
import json
import os
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from stack.text import parse_time, time_text

RUN_LOCK_VARIABLE = "EXEC_RUN_LOCK"
"""Names the file. In the environment and not among the inputs: it must not be in the state."""
CLOCK_TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")
START_TOLERANCE_SECONDS = 5
"""Chosen: a lock is written a moment after its process began; a pid used again began later."""
CI_VARIABLES = ("CI_JOB_URL", "BUILD_URL", "GITHUB_RUN_ID", "CI_JOB_ID")


@dataclass(frozen=True)
class Holder:
    """Who holds a lock, as the lock says."""

    pid: int
    user: str
    host: str
    since: datetime | None = None
    command: str = ""
    """What it does, or which CI job it is."""
    action: str = ""
    """The name of its exctl command."""

    @property
    def is_here(self) -> bool:
        return self.host == socket.gethostname()

    @property
    def lives(self) -> bool | None:
        """Whether its process still runs; None on another host, where it can't be told."""
        if not self.is_here:
            return None
        started = _started_at(self.pid)
        if started is None:
            return False
        return self.since is None or started <= self.since.timestamp() + START_TOLERANCE_SECONDS


def ourselves() -> dict[str, Any]:
    """What this process writes into a lock that it takes."""
    job = next((os.environ[name] for name in CI_VARIABLES if os.environ.get(name)), "")
    command = " ".join(["exctl", *sys.argv[1:3]])
    return {
        "pid": os.getpid(),
        "username": user_name(),
        "hostname": socket.gethostname(),
        "timestamp": time_text(),
        "command": f"{command}, CI job {job}" if job else command,
        "action": sys.argv[1] if len(sys.argv) > 1 else "",
    }


def holder(content: Mapping[str, Any]) -> Holder | None:
    """Who the content of a lock names; None if it names nobody."""
    pid = content.get("pid")
    if not isinstance(pid, int) or isinstance(pid, bool):
        return None
    return Holder(
        pid=pid,
        user=str(content.get("username") or "somebody"),
        host=str(content.get("hostname") or "an unnamed host"),
        since=parse_time(content.get("timestamp")),
        command=str(content.get("command") or ""),
        action=str(content.get("action") or ""),
    )


def read(path: Path) -> Mapping[str, Any]:
    """The content of a lock file; empty if there is none, or while it is being written."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, Mapping) else {}


def ask_to_stop(path: Path) -> None:
    """Tells the gates of the run under way, in whatever process, that the operator wants an end.

    Also from a signal's handler, so without a lock that the handler could wait for.
    """
    path.write_text(json.dumps({**read(path), "stopping": True}), encoding="utf-8")


def stop_requested() -> bool:
    """True once the operator has interrupted the run, or if exctl was killed.

    What can't be read says nothing: exctl may be writing it.
    """
    name = os.environ.get(RUN_LOCK_VARIABLE)
    if name is None:
        return False
    content = read(Path(name))
    found = holder(content)
    return content.get("stopping") is True or (found is not None and found.lives is False)


def _started_at(pid: int) -> float | None:
    """When a process of this host began, in seconds since 1970; None if it has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        state, *rest = fields.rpartition(")")[2].split()
        booted = Path("/proc/stat").read_text(encoding="utf-8").partition("btime ")[2].split()[0]
    except (OSError, IndexError):
        return None
    if state == "Z":  # nobody has collected it yet
        return None
    return int(booted) + int(rest[18]) / CLOCK_TICKS_A_SECOND


def user_name() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # an uid that no passwd entry names
        return f"uid {os.getuid()}"


def since_text(moment: datetime | None) -> str:
    """`2026-11-25 22:41:03 UTC`, or nothing where it isn't known."""
    return "" if moment is None else f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
