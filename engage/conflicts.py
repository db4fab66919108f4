"""Names that differ in nothing but case. Pure.

Source: deployment, "Preparing Engage Configuration": such conflicts are to be resolved before a
sync. Inferred: that they count within a type, a tenant, and for DNs a switch; the vendor's page on
the rule isn't public.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Spelling:
    """One object's name as it stands there."""

    name: str
    dbid: int
    state: int


@dataclass(frozen=True)
class Conflict:
    """Objects of one kind, in one scope (a tenant's or a switch's name), whose `field` differs only
    by case."""

    kind: str
    field: str
    scope: str
    spellings: tuple[Spelling, ...]


class CaseConflicts:
    """Takes one name after the other; compared here, since each database compares otherwise."""

    def __init__(self) -> None:
        self._first: dict[tuple[str, str, str], dict[str, Spelling]] = defaultdict(dict)
        self._more: dict[tuple[str, str, str, str], list[Spelling]] = {}

    def add(self, kind: str, field: str, scope: str, name: str, dbid: int, state: int) -> None:
        found = Spelling(name.strip(), dbid, state)
        if not found.name:
            return
        folded = found.name.casefold()
        first = self._first[kind, field, scope].setdefault(folded, found)
        if first is not found:
            self._more.setdefault((kind, field, scope, folded), [first]).append(found)

    def found(self) -> list[Conflict]:
        """All of them; names that are the same to the letter are none, and objects whose number is
        their name too conflict once."""
        found: dict[tuple[str, str, tuple[int, ...]], Conflict] = {}
        for (kind, field, scope, _), spellings in self._more.items():
            if len({each.name for each in spellings}) > 1:
                dbids = tuple(sorted(each.dbid for each in spellings))
                conflict = Conflict(kind, field, scope, tuple(spellings))
                found.setdefault((kind, scope, dbids), conflict)
        return list(found.values())
