"""How long instances were down or starting in earlier runs, as their gates reported. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from health.gates.events import Event, Healthy, Synced, WasDown
from stack.text import seconds_text


@dataclass(frozen=True)
class Known:
    """Seconds of one instance: until it was healthy, until it was synced, and from the moment its
    old container was stopped to the moment the new one had passed its gates."""

    healthy_seconds: float | None = None
    sync_seconds: float | None = None
    down_seconds: float | None = None

    @property
    def is_whole(self) -> bool:
        """Stopping is in it too."""
        return self.down_seconds is not None

    @property
    def seconds(self) -> float | None:
        """About how long it will be down; None if nothing tells."""
        if self.down_seconds is not None:
            return self.down_seconds
        if self.healthy_seconds is None:
            return None
        return self.healthy_seconds + (self.sync_seconds or 0.0)


def of(events: Iterable[Event]) -> dict[str, Known]:
    """Instance → what the events tell of it; a later one counts more."""
    found: dict[str, Known] = {}
    for event in events:
        before = found.get(event.instance, Known())
        match event:
            case Healthy():
                found[event.instance] = replace(before, healthy_seconds=event.seconds)
            case Synced():
                found[event.instance] = replace(before, sync_seconds=event.seconds)
            case WasDown():
                found[event.instance] = replace(before, down_seconds=event.seconds)
    return found


def about(seconds: float) -> str:
    return f"about {seconds_text(max(1.0, seconds))}"
