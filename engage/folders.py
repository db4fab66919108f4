"""CME's folders: what a folder filter would take. Pure.

How the database keeps folders isn't public. A mapping counts as recognised only if it can't be
anything else: each enabled object is in exactly one folder, which is there and is of its type.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from engage.objects import UNITS, FolderRow, Kind, ObjectType

NotRecognisedBecause = Literal[
    "no folders", "no mapping", "in no folder", "in several folders", "folder of another type",
    "folders in a circle",
]  # fmt: skip


class FolderUse(NamedTuple):
    """How many enabled objects of a kind are in a folder; None: in none."""

    kind: Kind
    folder: int | None
    objects: int


@dataclass(frozen=True)
class Doubt:
    """Why the mapping isn't recognised; `objects`: how many are against it."""

    why: NotRecognisedBecause
    kind: Kind | None = None
    objects: int = 0


@dataclass(frozen=True)
class Match:
    """A folder that a name of the filter finds, with the objects in it and below."""

    name: str
    kind: Kind
    path: str
    owner: str
    objects: int


class Folders:
    """The folders of one tenant: those that it owns, and those that one of its switches does."""

    def __init__(self, rows: Iterable[FolderRow]) -> None:
        self._rows = {row.dbid: row for row in rows}
        self._below: dict[int, list[int]] = defaultdict(list)
        for row in self._rows.values():
            above = self._above(row)
            if above is not None:
                self._below[above.dbid].append(row.dbid)

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[FolderRow]:
        return iter(self._rows.values())

    def of(self, tenant: int, switches: Iterable[int]) -> Folders:
        """Those of a tenant and its switches, all where the database doesn't say whose they are."""
        owners = {(ObjectType.TENANT, tenant), *((ObjectType.SWITCH, dbid) for dbid in switches)}
        return Folders(
            row
            for row in self._rows.values()
            if row.owner is None or (row.owner_type, row.owner) in owners
        )

    def _above(self, row: FolderRow) -> FolderRow | None:
        """Its parent. The topmost may name its owner there, whose number a folder may have too:
        that one is of another type, or of another owner."""
        found = self._rows.get(row.parent or 0)
        is_same = found is not None and found[4:] == row[4:] and found.type == row.type
        return found if is_same and found is not row else None

    def path(self, dbid: int) -> str:
        names: list[str] = []
        row: FolderRow | None = self._rows[dbid]
        while row is not None and len(names) < len(self._rows):
            names.insert(0, row.name)
            row = self._above(row)
        return "/".join(names)

    def named(self, name: str) -> list[FolderRow]:
        """Folders of that very name in the four units that are searched."""
        units = set(UNITS.values())
        return [row for row in self._rows.values() if row.name == name and row.type in units]

    def in_other_case(self, name: str) -> list[str]:
        """Folders whose name differs only by case."""
        folded = name.casefold()
        names = {row.name for row in self._rows.values() if row.name.casefold() == folded}
        return sorted(names - {name})

    def with_those_below(self, dbids: Iterable[int]) -> set[int]:
        found: set[int] = set()
        waiting = list(dbids)
        while waiting:
            dbid = waiting.pop()
            if dbid not in found:
                found.add(dbid)
                waiting += self._below[dbid]
        return found

    def selected(self, names: Iterable[str]) -> set[int]:
        """The folders that a filter takes: those named, and all below them."""
        return self.with_those_below(row.dbid for name in names for row in self.named(name))

    def has_a_circle(self) -> bool:
        tops = [row.dbid for row in self._rows.values() if self._above(row) is None]
        return len(self.with_those_below(tops)) != len(self._rows)


def doubts(folders: Folders, uses: Sequence[FolderUse], repeated: int) -> list[Doubt]:
    """What speaks against the mapping; `repeated`: objects that are in several folders."""
    found = [Doubt("in several folders", None, repeated)] if repeated else []
    if not len(folders):
        found.append(Doubt("no folders"))
    if folders.has_a_circle():
        found.append(Doubt("folders in a circle"))
    types = {row.dbid: row.type for row in folders}
    for kind, unit in UNITS.items():
        of_kind = [use for use in uses if use.kind == kind]
        outside = sum(use.objects for use in of_kind if use.folder not in types)
        wrong = sum(use.objects for use in of_kind if types.get(use.folder or 0, unit) != unit)
        if outside:
            found.append(Doubt("in no folder", kind, outside))
        if wrong:
            found.append(Doubt("folder of another type", kind, wrong))
    return found


def matches(
    folders: Folders,
    names: Iterable[str],
    uses: Sequence[FolderUse],
    switch_names: Mapping[int, str],
) -> list[Match]:
    """Every folder that each name finds, whose it is, and what is in it and below."""
    kinds: Mapping[int, Kind] = {unit: kind for kind, unit in UNITS.items()}
    found = []
    for name in names:
        for row in folders.named(name):
            below = folders.with_those_below([row.dbid])
            kind = kinds[row.type]
            objects = sum(u.objects for u in uses if u.kind == kind and u.folder in below)
            is_switch = row.owner_type == ObjectType.SWITCH
            owner = switch_names.get(row.owner or 0, "") if is_switch else ""
            found.append(Match(name, kind, folders.path(row.dbid), owner, objects))
    return found
