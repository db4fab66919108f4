"""Ctrl-C, and what stands for it: SIGTERM from a CI system, SIGHUP when an ssh session is lost.

While Pulumi works it finishes the step under way and saves, and we wait for that.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any

from exctl.terminal.messages import terminal_is_lost

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass
class Interrupts:
    """How often the operator has asked to stop."""

    count: int = 0


def as_ctrl_c() -> None:
    """From now on each of the signals raises KeyboardInterrupt, wherever the command is."""

    def handle(number: int, _frame: FrameType | None) -> None:
        if number == signal.SIGHUP:
            terminal_is_lost()
        raise KeyboardInterrupt

    for number in SIGNALS:
        signal.signal(number, handle)


def no_more() -> None:
    """From now on none of the signals does anything: the command has said its last word."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


@contextmanager
def passed_on(
    interrupt: Callable[[], None], stop_gates: Callable[[], None], say: Callable[[str], None]
) -> Iterator[Interrupts]:
    """Within, a signal ends Pulumi's run, and the gates of it, and not us."""
    found = Interrupts()

    def handle(number: int, _frame: FrameType | None) -> None:
        found.count += 1
        if number == signal.SIGHUP:
            terminal_is_lost()
        if found.count == 1:
            say("interrupted: finishing the step under way; Ctrl-C again ends it at once, unsaved")
            stop_gates()
        interrupt()

    if threading.current_thread() is not threading.main_thread():
        yield found
        return
    before: Mapping[signal.Signals, Any] = {n: signal.signal(n, handle) for n in SIGNALS}
    try:
        yield found
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
