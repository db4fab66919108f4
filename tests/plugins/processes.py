"""What runs of the CLI leave on the machine."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

PATIENCE_SECONDS = 30


def wait_until(holds: Callable[[], object], what: str) -> None:
    """Wait until this holds; AssertionError with `what` if it doesn't in time."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < deadline, f"never: {what}"
        time.sleep(0.05)


def with_variable(name: str, value: str) -> dict[int, str]:
    """The command lines of the processes whose environment has this variable, by process id."""
    wanted, found = f"{name}={value}".encode(), {}
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if wanted in (process / "environ").read_bytes().split(b"\0"):
                words = (process / "cmdline").read_bytes().split(b"\0")
                found[int(process.name)] = b" ".join(words).decode(errors="replace")
    return found
