"""How long instances were down or starting in earlier runs, from what their gates said. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

_SAID = re.compile(
    r"^(\S+): (?:(healthy) after|(sync) complete after|was (down) for) (\d+(?:\.\d+)?) s\b"
)


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


def of(said: Iterable[str]) -> dict[str, Known]:
    """Instance → what the lines of gates say of it; a later line counts more."""
    found: dict[str, Known] = {}
    for line in said:
        if match := _SAID.match(line):
            key, healthy, sync, _down, seconds = match.groups()
            before = found.get(key, Known())
            if healthy:
                found[key] = replace(before, healthy_seconds=float(seconds))
            elif sync:
                found[key] = replace(before, sync_seconds=float(seconds))
            else:
                found[key] = replace(before, down_seconds=float(seconds))
    return found


def seconds_text(seconds: float) -> str:
    """`4 s`, `12 min`."""
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


def about(seconds: float) -> str:
    return f"about {seconds_text(max(1.0, seconds))}"
