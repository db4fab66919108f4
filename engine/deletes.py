"""Deletes: in which order, and what must go before a resource that can't stand beside its own
replacement."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from engine.goals import split_reference
from engine.provider import Diff
from engine.rows import Row, depends_on
from engine.steps import Step
from engine.targets import Targets

Replaces = Callable[[Row, set[str]], Diff]


def layers(steps: Sequence[Step], rows: Sequence[Row]) -> list[list[Step]]:
    """The delete steps in layers: none of a layer depends on another of it, and whatever depends
    on something goes before it, as late as that allows (golden 11). A dependency on a component is
    one on its children too.

    `rows` are all rows in the state's order (what a row needs stands before it).
    """
    by_row = {id(step.old): step for step in steps}
    children: dict[str, list[str]] = {}
    for row in rows:
        if row.parent:
            children.setdefault(row.parent, []).append(row.urn)
    custom = {row.urn: row.custom for row in rows}

    def needs(row: Row) -> set[str]:
        found = depends_on(row)
        for urn in list(found - {row.parent}):
            if not custom.get(urn, True):
                found |= _below(urn, children)
        found.discard(row.urn)
        return found

    level: dict[str, int] = {}
    found: list[list[Step]] = []
    for row in rows:  # what it needs has its level already
        step = by_row.get(id(row))
        if step is None:
            continue
        mine = max((level[urn] + 1 for urn in needs(row) if urn in level), default=0)
        level[row.urn] = max(mine, level.get(row.urn, 0))
        found += [[] for _ in range(mine + 1 - len(found))]
        found[mine].append(step)
    return found[::-1]


def _below(urn: str, children: dict[str, list[str]]) -> set[str]:
    found: set[str] = set()
    open_ = [urn]
    while open_:
        for child in children.get(open_.pop(), []):
            if child not in found:
                found.add(child)
                open_.append(child)
    return found


def kept(excludes: Targets, rows: Sequence[Row]) -> set[str]:
    """URNs of the excluded rows, and of all that these need: they'd be left without it. To need a
    component is to need its children."""
    place = {row.urn: index for index, row in enumerate(rows)}
    children: dict[str, list[str]] = {}
    for row in rows:
        if row.parent:
            children.setdefault(row.parent, []).append(row.urn)
    found = {row.urn for row in rows if excludes.contains(row.urn)}
    for row in reversed(rows):  # what needs a row stands after it
        if row.urn not in found:
            continue
        needed = depends_on(row)
        for urn in needed - {row.parent}:
            needed = needed | {u for u in _below(urn, children) if place[u] < place[row.urn]}
        found |= needed
    return found


def cascade(root: Row, rows: Sequence[Row], done: set[str], replaces: Replaces) -> list[
    tuple[Row, list[str]]
]:  # fmt: skip
    """Rows that must be deleted before `root` is, in the state's order, each with the keys that
    demand it (golden 04): those whose provider says that it would have to be replaced while what
    it depends on is away. Rows in `done` were seen in this run and so can't depend on it.
    """
    condemned = {root.urn}
    found: list[tuple[Row, list[str]]] = []
    dependents: set[str] = {root.urn}
    for row in rows:
        if row is root or row.urn in done or row.delete or row.pending_replacement:
            continue
        if not (depends_on(row) - {row.parent}) & dependents:
            continue
        dependents.add(row.urn)
        if not row.custom or row.external:
            continue
        keys = _reason(row, condemned, replaces)
        if keys is not None:
            condemned.add(row.urn)
            found.append((row, keys))
    return found


def _reason(row: Row, condemned: set[str], replaces: Replaces) -> list[str] | None:
    if row.provider and split_reference(row.provider)[0] in condemned:
        return []
    if row.deleted_with in condemned or condemned & set(row.replace_with):
        return []
    touched = {
        key
        for key, urns in row.property_dependencies.items()
        if key in row.inputs and condemned & set(urns)
    }
    if not touched:
        return None
    diff = replaces(row, touched)
    return list(diff.replaces) if diff.is_replacement else None
