"""How far a sync is, how fast it goes, and what is left, from the answers of /status."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from health.contract import Status
from health.gates.events import Syncing

RATE_WINDOW_SECONDS = 60.0
"""Chosen: smooths Genesys Cloud's limit a minute, and still shows soon that a sync slows down."""
STANDS_STILL_SECONDS = 15.0
"""Chosen: after so long without movement the rate of before says nothing of the time left."""


@dataclass
class SyncProgress:
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

    def objects_a_second(self, now: float) -> float | None:
        """None while it stands still, or before two answers have told of it."""
        if len(self.samples) < 2 or now - self.moved_at >= STANDS_STILL_SECONDS:
            return None
        (first_at, first), (last_at, last) = self.samples[0], self.samples[-1]
        return (
            (last - first) / (last_at - first_at) if last_at > first_at and last > first else None
        )

    def event(self, instance: str, found: str, now: float, waited_seconds: float) -> Syncing:
        """How far it is, as a gate and `exctl status` report it; `found`: why it isn't complete."""
        status = self.status
        return Syncing(
            instance,
            found,
            waited_seconds,
            status.previous_hwm,
            status.latest_hwm,
            status.processed_hwm,
            self.objects_a_second(now),
        )


def _moving_parts(status: Status) -> tuple[object, ...]:
    words = (status.sync.status, status.update.status)
    return (*words, status.previous_hwm, status.latest_hwm, status.processed_hwm)
