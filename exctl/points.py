"""What a look at Engage or Genesys Cloud comes to for an operator, point by point."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from exctl.report.markup import BAD, CAUTION, Block, Cell, Paragraph, Table

Level = Literal["problem", "warning", "unknown"]
_ORDER: dict[Level, int] = {"problem": 0, "warning": 1, "unknown": 2}
_TONES: dict[Level, str] = {"problem": BAD, "warning": CAUTION, "unknown": CAUTION}


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


def count_of(level: Level, points: Iterable[Point]) -> int:
    """How many points are of this level."""
    return sum(point.level == level for point in points)


def as_block(points: Iterable[Point]) -> Block:
    """The points as a page shows them."""
    rows = [(Cell(p.level, _TONES[p.level]), p.text, p.to_do) for p in points]
    return Table(("", "FOUND", "TO DO"), rows) if rows else Paragraph("Nothing.")
