"""Time as the gates see it, so that a test can let 90 minutes pass at once."""

from __future__ import annotations

import time
from typing import Protocol

from health.errors import GateCode, GateError
from health.runlock import stop_requested
from stack.text import counted

LOOK_INTERVAL_SECONDS = 0.25


class Clock(Protocol):
    def seconds(self) -> float:
        """Seconds since an arbitrary moment, never going back."""

    def sleep(self, seconds: float) -> None: ...


class SystemClock:
    def seconds(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


class OperatorsClock(SystemClock):
    """A clock whose pauses end as soon as the operator has interrupted the run, with GateError."""

    def sleep(self, seconds: float) -> None:
        until = self.seconds() + seconds
        while True:
            if stop_requested():
                raise GateError(GateCode.INTERRUPTED, "", "interrupted: the gate stops waiting")
            left = until - self.seconds()
            if left <= 0:
                return
            time.sleep(min(left, LOOK_INTERVAL_SECONDS))


def duration_text(seconds: float) -> str:
    """`45 seconds`, `1 minute`, `90 minutes`, `2 minutes 30 seconds`: as an operator says it."""
    whole = round(seconds)
    minutes, rest = divmod(whole, 60)
    parts = []
    if minutes:
        parts.append(counted(minutes, "minute"))
    if rest or not minutes:
        parts.append(counted(rest, "second"))
    return " ".join(parts)
