"""Steps: what is done to one resource, as decided; and a row's way through a run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from engine.goals import Registration
from engine.provider import PropertyDiff
from engine.rows import PendingOperation, Row, Snapshot
from engine.state import SnapshotManager
from engine.values import deep_equals

# What a provider is asked while a step runs, as the state's pending operations name it.
PENDING = {
    "create": "creating",
    "create-replacement": "creating",
    "update": "updating",
    "delete": "deleting",
    "delete-replaced": "deleting",
    "read": "reading",
    "read-replacement": "reading",
    "refresh": "",
}


@dataclass(eq=False)
class Step:
    """One operation on one resource. `new` is what it's to become, and after the step what it is.

    `logical=False`: shown, but not counted (the halves of a replacement). `keeps_row`: a delete
    whose row stays, marked, until its replacement is made. `deletes_later`: a replacement made
    before the old object is deleted. `verbatim`: targets leave it out, the row stays as it
    was; `skips`: they leave it out, and there's no row.
    """

    op: str
    urn: str
    old: Row | None = None
    new: Row | None = None
    registration: Registration | None = None
    keys: Sequence[str] = ()
    diffs: Sequence[str] = ()
    detailed: Mapping[str, PropertyDiff] | None = None
    logical: bool = True
    keeps_row: bool = False
    deletes_later: bool = False
    verbatim: bool = False
    skips: bool = False
    result_op: str = "same"  # of a refresh: same, update or delete
    ignore_changes: Sequence[str] = ()

    @property
    def is_internal(self) -> bool:
        """True for steps the operator isn't told of: default providers, forgotten rows."""
        row = self.new or self.old
        return self.op == "remove-pending-replace" or (row is not None and row.is_default_provider)

    @property
    def changed_outputs(self) -> bool:
        """True if a read found something else than before."""
        if self.old is None or self.new is None:
            return False
        return not deep_equals(dict(self.old.outputs), dict(self.new.outputs))


@dataclass
class Ledger:
    """The rows of the last run, and what became of each; every change goes on to the manager
    (there is none in a preview). Rows are replaced, never changed: `now` follows one through."""

    snapshot: Snapshot
    manager: SnapshotManager | None
    rows: list[Row] = field(init=False)
    _now: dict[int, Row] = field(default_factory=dict)
    _kept: list[Row] = field(default_factory=list)  # so that no identity is given twice

    def __post_init__(self) -> None:
        self.rows = list(self.snapshot.rows)

    def now(self, row: Row) -> Row:
        """The row as it stands in the state."""
        while (later := self._now.get(id(row))) is not None:
            row = later
        return row

    def _becomes(self, row: Row, later: Row) -> None:
        self._kept.append(row)
        self._now[id(row)] = later

    def begin(self, kind: str, row: Row) -> PendingOperation | None:
        """Note that a provider is about to be asked."""
        return self.manager.begin(kind, row) if self.manager is not None and kind else None

    def end(
        self,
        pending: PendingOperation | None = None,
        *,
        drop: Iterable[Row] = (),
        add: Row | None = None,
        mark: tuple[Row, Row] | None = None,
        save: bool = True,
    ) -> None:
        """Record what came of it (see SnapshotManager.end)."""
        gone = [self.now(row) for row in drop]
        if mark is not None:
            before, after = self.now(mark[0]), mark[1]
            self._becomes(before, after)
            mark = (before, after)
        if self.manager is not None:
            self.manager.end(pending, drop=gone, add=add, mark=mark, save=save)

    def rewrite(self, change: Callable[[Row], Row]) -> list[tuple[Row, Row]]:
        """Change old rows where `change` gives another one; returns (before, after) of those."""
        changed = []
        for index, row in enumerate(self.rows):
            after = change(row)
            if after is not row:
                current = self.now(row)
                self.rows[index] = after
                later = after if current is row else change(current)
                self._becomes(row, later)
                if current is not row:
                    self._becomes(current, later)
                    self._becomes(after, later)
                changed.append((row, after))
                if self.manager is not None:
                    self.manager.end(mark=(current, later), save=False)
        return changed


def renamed(row: Row, old: str, new: str) -> Row:
    """The row with every mention of the URN `old` turned into `new` (golden 17)."""

    def one(urn: str) -> str:
        return new if urn == old else urn

    reference = row.provider
    if reference.startswith(f"{old}::"):
        reference = new + reference[len(old) :]
    changed = replace(
        row,
        urn=one(row.urn),
        parent=one(row.parent),
        deleted_with=one(row.deleted_with),
        provider=reference,
        dependencies=[one(u) for u in row.dependencies],
        replace_with=[one(u) for u in row.replace_with],
        property_dependencies={
            key: [one(u) for u in urns] for key, urns in row.property_dependencies.items()
        },
    )
    parts = ("urn", "parent", "deleted_with", "provider")
    lists = ("dependencies", "replace_with")
    same = all(getattr(row, p) == getattr(changed, p) for p in parts) and all(
        list(getattr(row, p)) == getattr(changed, p) for p in lists
    )
    if same and {k: list(v) for k, v in row.property_dependencies.items()} == dict(
        changed.property_dependencies
    ):
        return row
    return changed
