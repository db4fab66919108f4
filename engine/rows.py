"""One row of the state, and a state as a whole: what each operation starts from and leaves."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.values import Value

STACK_TYPE = "pulumi:pulumi:Stack"
PROVIDER_PREFIX = "pulumi:providers:"


class StateError(Exception):
    """The state can't be read or mustn't be written; the text says what to do."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Row:
    """One resource as the state holds it. Rows are told apart by identity and never changed in
    place (`dataclasses.replace`): so their encoded text can be kept while others change."""

    urn: str
    custom: bool
    delete: bool = False
    id: str = ""
    type: str
    inputs: Mapping[str, Value] = field(default_factory=dict)
    outputs: Mapping[str, Value] = field(default_factory=dict)
    parent: str = ""
    protect: bool = False
    taint: bool = False
    external: bool = False
    dependencies: Sequence[str] = ()
    init_errors: Sequence[str] = ()
    provider: str = ""
    property_dependencies: Mapping[str, Sequence[str]] = field(default_factory=dict)
    pending_replacement: bool = False
    additional_secret_outputs: Sequence[str] = ()
    aliases: Sequence[str] = ()
    custom_timeouts: Mapping[str, float] = field(default_factory=dict)  # seconds
    import_id: str = ""
    retain_on_delete: bool = False
    deleted_with: str = ""
    replace_with: Sequence[str] = ()
    created: str = ""
    modified: str = ""
    source_position: str = ""
    stack_trace: Sequence[Mapping[str, Any]] = ()
    ignore_changes: Sequence[str] = ()
    hide_diff: Sequence[str] = ()
    replace_on_changes: Sequence[str] = ()
    replacement_trigger: Value = None

    @property
    def name(self) -> str:
        """The resource's name: the last part of its URN."""
        return self.urn.split("::", 3)[-1]

    @property
    def is_provider(self) -> bool:
        """True for the row of a provider (default or explicit)."""
        return self.type.startswith(PROVIDER_PREFIX)

    @property
    def is_default_provider(self) -> bool:
        """True for a provider that the engine made, not the program: neither shown nor counted."""
        return self.is_provider and not self.parent and self.name.startswith("default")


@dataclass(frozen=True, eq=False)
class PendingOperation:
    """A call to a provider that had begun when the state was written."""

    resource: Row
    type: str  # creating | updating | deleting | reading | importing


@dataclass(frozen=True)
class Secrets:
    """How this state's secrets are opened and closed; `provider` is its entry in the file."""

    provider: Mapping[str, Any]
    encrypt: Callable[[str], str]
    decrypt: Callable[[str], str]


@dataclass
class Snapshot:
    """A stack's state: its rows in an order in which each follows what it needs."""

    rows: list[Row] = field(default_factory=list)
    pending: list[PendingOperation] = field(default_factory=list)
    secrets: Secrets | None = None
    version: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)  # `metadata`: carried through verbatim

    def find(self, urn: str) -> Row | None:
        """The live row of this URN, if there is one."""
        return next((r for r in self.rows if r.urn == urn and not r.delete), None)

    @property
    def root(self) -> Row | None:
        """The stack's own row."""
        return next((r for r in self.rows if r.type == STACK_TYPE and not r.delete), None)


_NAMES = {"import_id": "importID"}


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return _NAMES.get(name) or first + "".join(w.capitalize() for w in rest)


# Fields stand in the order of the CLI's own files, so that a diff of two states stays readable.
KEYS: dict[str, str] = {name: _camel(name) for name in (f.name for f in fields(Row))}
FIELDS: dict[str, str] = {key: name for name, key in KEYS.items()}
VALUES = ("inputs", "outputs", "replacement_trigger")  # fields that hold property values
ALWAYS = frozenset({"urn", "custom", "type"})  # written even when empty


def depends_on(row: Row) -> set[str]:
    """URNs that this row mustn't come before."""
    urns = {row.parent, row.deleted_with, *row.dependencies}
    urns.update(u for many in row.property_dependencies.values() for u in many)
    if row.provider:
        urns.add(row.provider.rpartition("::")[0])
    urns.discard("")
    return urns


def integrity_problems(rows: Sequence[Row]) -> list[str]:
    """What breaks the rules every reader of a state relies on; empty for a sound one."""
    problems: list[str] = []
    seen: set[str] = set()
    ids: dict[str, set[str]] = {}  # URN -> ids of the rows so far
    for row in rows:
        for need in sorted(depends_on(row) - ids.keys()):
            later = any(r.urn == need for r in rows)
            problems.append(
                f"{row.urn} needs {need}, which {'comes after it' if later else 'is missing'}"
            )
        if row.provider and not row.pending_replacement:
            urn, _, identifier = row.provider.rpartition("::")
            if urn in ids and identifier not in ids[urn]:
                problems.append(f"{row.urn} names provider {urn} with another id")
        if not row.custom and row.id:
            problems.append(f"{row.urn} is a component and has an id")
        if not row.delete:
            if row.urn in seen:
                problems.append(f"{row.urn} is there twice")
            seen.add(row.urn)
        ids.setdefault(row.urn, set()).add(row.id)
    return problems
