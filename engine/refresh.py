"""Refresh: the state against reality (golden 18)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from engine.provider import DiffKind, PropertyDiff
from engine.rows import Row
from engine.steps import Step
from engine.targets import Targets


def refresh_steps(rows: Sequence[Row], targets: Targets, excludes: Targets) -> list[Step]:
    """One step for each live row (of the targets, if there are any) that isn't excluded."""
    return [
        Step("refresh", row.urn, old=row, new=row, logical=False)
        for row in rows
        if not row.delete
        and (not targets or targets.contains(row.urn))
        and not excludes.contains(row.urn)
    ]


_INVERSE: dict[DiffKind, DiffKind] = {
    "add": "delete",
    "add-replace": "delete-replace",
    "delete": "add",
    "delete-replace": "add-replace",
}


def inverted(detailed: Mapping[str, PropertyDiff] | None) -> dict[str, PropertyDiff] | None:
    """The changes seen from the other side: what an update would add, reality has lost."""
    if detailed is None:
        return None
    return {
        path: PropertyDiff(_INVERSE.get(change.kind, change.kind), change.input_diff)
        for path, change in detailed.items()
    }


def pruned(rows: Sequence[Row], found: Mapping[int, Row | None]) -> list[Row]:
    """The rows as found (by identity of the old ones; None: gone), with every mention of rows that
    are gone removed and their children given to the grandparent. Property dependencies that are
    left empty go too."""
    gone: dict[str, str] = {}  # URN -> its parent
    left: list[Row] = []
    for row in rows:
        now = found.get(id(row), row)
        if now is None:
            gone[row.urn] = row.parent
        else:
            left.append(now)
    return [_without(row, gone) for row in left]


def _without(row: Row, gone: Mapping[str, str]) -> Row:
    parent = row.parent
    while parent in gone:
        parent = gone[parent]
    kept = {
        key: [urn for urn in urns if urn not in gone]
        for key, urns in row.property_dependencies.items()
    }
    return replace(
        row,
        parent=parent,
        dependencies=[urn for urn in row.dependencies if urn not in gone],
        property_dependencies={key: urns for key, urns in kept.items() if urns},
        deleted_with="" if row.deleted_with in gone else row.deleted_with,
        replace_with=[urn for urn in row.replace_with if urn not in gone],
    )
