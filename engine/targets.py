"""Which resources an operation is restricted to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from engine.rows import Row, depends_on


class Targets:
    """URN patterns: `*` matches anything but a colon, `**` anything (golden 19)."""

    def __init__(self, patterns: Iterable[str]) -> None:
        self.patterns = tuple(patterns)
        self._expressions = [re.compile(_expression(p), re.DOTALL) for p in self.patterns]
        self.more: set[str] = set()  # dependents, added as they are met

    def __bool__(self) -> bool:
        return bool(self.patterns)

    def contains(self, urn: str) -> bool:
        """True if a pattern names it, or it was added."""
        return urn in self.more or any(e.fullmatch(urn) for e in self._expressions)

    def missing(self, urns: Iterable[str]) -> list[str]:
        """URNs without wildcards that are none of these."""
        known = set(urns)
        return [p for p in self.patterns if "*" not in p and p not in known]


def _expression(pattern: str) -> str:
    parts = re.split(r"(\*\*|\*)", pattern)
    return "".join({"**": ".*", "*": "[^:]*"}.get(part, re.escape(part)) for part in parts)


def with_dependents(targets: Targets, rows: Sequence[Row]) -> set[str]:
    """The targets among the rows, and whatever depends on them, children included."""
    found: set[str] = set()
    for row in rows:  # each row follows what it depends on
        if targets.contains(row.urn) or depends_on(row) & found:
            found.add(row.urn)
    return found
