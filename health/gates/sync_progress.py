"""How far a sync is, how fast it goes, and what is left, from the answers of /status."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from health.contract import Status

RATE_WINDOW_SECONDS = 60.0
"""Chosen: smooths Genesys Cloud's limit a minute, and still shows soon that a sync slows down."""


@dataclass
class Progress:
    """The last status, when it last moved, and the high-water marks of the last minute."""

    moved_at: float
    status: Status = field(default_factory=Status)
    samples: deque[tuple[float, int]] = field(default_factory=deque)

    def note(self, now: float, status: Status) -> None:
        """Takes in an answer; anything but a time stamp that changed counts as movement."""
        if _moving_parts(status) != _moving_parts(self.status):
            self.moved_at = now
        self.status = status
        if status.processed_hwm is None:
            return
        if self.samples and status.processed_hwm < self.samples[-1][1]:
            self.samples.clear()  # EXCS began again
        self.samples.append((now, status.processed_hwm))
        while now - self.samples[0][0] > RATE_WINDOW_SECONDS:
            self.samples.popleft()

    def objects_a_second(self) -> float:
        if len(self.samples) < 2:
            return 0.0
        (first_at, first), (last_at, last) = self.samples[0], self.samples[-1]
        return (last - first) / (last_at - first_at) if last_at > first_at else 0.0

    def done(self) -> str:
        """`34% (HWM 193 of 567)`, counted from the mark before this sync; '' before any mark."""
        latest, processed = self.status.latest_hwm, self.status.processed_hwm
        if latest is None or processed is None:
            return ""
        before = self.status.previous_hwm or 0
        whole = latest - before
        percent = (processed - before) * 100 // whole if whole > 0 else 100
        return f"{max(0, min(100, percent))}% (HWM {processed} of {latest})"

    def pace(self) -> str:
        """`, 12 objects/s, about 31 s left`; '' while nothing moves or nothing is left."""
        latest, processed = self.status.latest_hwm, self.status.processed_hwm
        rate = self.objects_a_second()
        if latest is None or processed is None or rate <= 0 or processed >= latest:
            return ""
        speed = f"{rate:.0f}" if rate >= 1 else f"{rate:.2f}"
        return f", {speed} objects/s, about {_short_time((latest - processed) / rate)} left"


def _moving_parts(status: Status) -> tuple[object, ...]:
    words = (status.sync.status, status.update.status)
    return (*words, status.previous_hwm, status.latest_hwm, status.processed_hwm)


def _short_time(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"
