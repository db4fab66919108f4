"""What a look at Engage or Genesys Cloud comes to for an operator, point by point."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Level = Literal["problem", "warning", "unknown"]
_ORDER: dict[Level, int] = {"problem": 0, "warning": 1, "unknown": 2}


@dataclass(frozen=True)
class Point:
    """One finding: `code` is for programs and doesn't change; `text` says what, `to_do` what to do
    about it."""

    level: Level
    code: str
    text: str
    to_do: str = ""


def in_order(points: Iterable[Point]) -> list[Point]:
    """Problems first, what isn't known last."""
    return sorted(points, key=lambda point: _ORDER[point.level])
