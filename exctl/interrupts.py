"""Ctrl-C while Pulumi works: it finishes the step under way and saves, and we wait for that."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType


@dataclass
class Interrupts:
    """How often the operator has asked to stop."""

    count: int = 0


@contextmanager
def waited_for(say: Callable[[str], None]) -> Iterator[Interrupts]:
    """Within, an interrupt ends Pulumi's run and not us: a terminal sends it to both, and what is
    sent to us alone (SIGTERM, from a CI system) is passed on."""
    found = Interrupts()

    def handle(number: int, _frame: FrameType | None) -> None:
        found.count += 1
        if number == signal.SIGTERM:
            for child in _children():
                os.kill(child, signal.SIGINT)
        if found.count == 1:
            say("interrupted: finishing the step under way; once more ends it at once, unsaved")

    if threading.current_thread() is not threading.main_thread():
        yield found
        return
    before = {n: signal.signal(n, handle) for n in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield found
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _children() -> list[int]:
    """The processes we started, as Linux lists them; none where it doesn't."""
    found: list[int] = []
    for tasks in Path("/proc/self/task").glob("*/children"):
        found += map(int, tasks.read_text().split())
    return found
