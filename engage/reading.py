"""The statements that the survey asks, built from what the catalogue has, and their rows.

Only names from the catalogue and whole numbers get into a statement. What isn't there raises
NotRecognised before anything is asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from engage.catalogue import Alias, Catalogue
from engage.database import Database
from engage.errors import NotRecognised
from engage.folders import FolderUse
from engage.objects import (
    CFG_TRUE,
    DELETED,
    ENABLED,
    UNITS,
    Dn,
    FolderRow,
    Kind,
    Named,
    ObjectType,
    Option,
    Person,
    Switch,
    Tenant,
)
from engage.transactions import NAME, TransactionRow

TABLES: Mapping[Kind, str] = {
    "person": "cfg_person",
    "skill": "cfg_skill",
    "dn": "cfg_dn",
    "agent group": "cfg_group",
}
FOLDER_COLUMNS = ("folder_dbid", "folder_id", "folderid")
PARENT_COLUMNS = ("parent_dbid", "parent_id", "parent_folder_dbid", "folder_dbid")
IDS_AT_ONCE = 500
"""Chosen: below what any of the servers allows in one `in (…)`."""


@dataclass(frozen=True)
class FolderMapping:
    """Where an object's folder stands: a column of its own table, or a table of memberships."""

    column: str = ""
    table: str = ""

    def joined(self, catalogue: Catalogue, alias: Alias, kind: Kind) -> tuple[str, str]:
        """The folder as an expression, and what has to be joined for it."""
        if not self.table:
            return alias[self.column], ""
        member = catalogue.alias(self.table, "m", "object_dbid", "object_type", self.column)
        on = f"{member['object_type']} = {int(UNITS[kind])}"
        on += f" and {member['object_dbid']} = {alias['dbid']}"
        return member[self.column], f" left join {member} on {on}"


@dataclass(frozen=True)
class Total:
    """So many objects of one kind, of one tenant and of one switch, in one state."""

    kind: Kind
    type: int | None
    tenant: int
    switch: int | None
    state: int
    objects: int


class Reader:
    """Questions to one Config DB. Each raises NotRecognised or DatabaseError."""

    def __init__(self, database: Database, catalogue: Catalogue) -> None:
        self._database = database
        self.catalogue = catalogue
        self._agent_group_types: tuple[int, ...] | None = None

    def _rows(self, sql: str) -> Iterator[Any]:
        return self._database.rows(sql)

    def tenants(self) -> list[Tenant]:
        t = self.catalogue.alias("cfg_tenant", "t", "dbid", "name", "state")
        sql = f"select {t['dbid']}, {t['name']}, {t['state']} from {t}"
        return [Tenant(int(d), _text(n), int(s)) for d, n, s in self._rows(sql)]

    def switches(self) -> list[Switch]:
        s = self.catalogue.alias("cfg_switch", "s", "dbid", "tenant_dbid", "name")
        sql = f"select {s['dbid']}, {s['tenant_dbid']}, {s['name']} from {s}"
        return [Switch(int(d), int(t), _text(n)) for d, t, n in self._rows(sql)]

    def totals(self, kind: Kind) -> list[Total]:
        """Counted by the database, of every tenant."""
        a, only = self._objects(kind, "tenant_dbid")
        columns = [a["tenant_dbid"], a["state"]]
        if kind == "dn":
            columns += [a["switch_dbid"], a["type"]]
        listed = ", ".join(columns)
        sql = f"select count(*), {listed} from {a} where {only} group by {listed}"
        return [
            Total(
                kind,
                int(more[1]) if more else None,
                int(tenant),
                int(more[0]) if more else None,
                int(state),
                int(number),
            )
            for number, tenant, state, *more in self._rows(sql)
        ]

    def agent_group_types(self) -> tuple[int, ...]:
        """The values of `group_type` of groups that have agents: nothing public lists them."""
        if self._agent_group_types is None:
            g = self.catalogue.alias("cfg_group", "g", "dbid", "group_type")
            m = self.catalogue.alias("cfg_agent_group", "m", "group_dbid")
            sql = (
                f"select distinct {g['group_type']} from {g} where exists"
                f" (select 1 from {m} where {m['group_dbid']} = {g['dbid']})"
            )
            self._agent_group_types = tuple(sorted(int(kind) for (kind,) in self._rows(sql)))
            if not self._agent_group_types:
                raise NotRecognised("cfg_agent_group")
        return self._agent_group_types

    def _objects(self, kind: Kind, *columns: str) -> tuple[Alias, str]:
        """The table of a kind, and which of its rows are of that kind."""
        more = {"dn": ("switch_dbid", "type"), "agent group": ("group_type",)}.get(kind, ())
        a = self.catalogue.alias(TABLES[kind], "a", "dbid", "state", *columns, *more)
        if kind != "agent group":
            return a, "1 = 1"
        return a, f"{a['group_type']} in ({_listed(self.agent_group_types())})"

    # Folders

    def folder_mapping(self) -> FolderMapping:
        """Where objects' folders stand. Raises NotRecognised if nothing looks like it, or if there
        are two ways to read it."""
        tables = [self.catalogue.tables[name] for name in TABLES.values() if name in self.catalogue]
        columns = {table.first_of(*FOLDER_COLUMNS) for table in tables}
        found = [FolderMapping(column) for column in columns if len(columns) == 1 and column]
        for name, table in self.catalogue.tables.items():
            column = table.first_of(*FOLDER_COLUMNS)
            if column and "object_dbid" in table and "object_type" in table:
                found.append(FolderMapping(column, name))
        if len(found) != 1:
            raise NotRecognised("cfg_folder")
        return found[0]

    def folders(self) -> list[FolderRow]:
        f = self.catalogue.alias("cfg_folder", "f", "dbid", "name", "type")
        parent = f.table.first_of(*PARENT_COLUMNS)
        if parent is None:
            raise NotRecognised("cfg_folder", PARENT_COLUMNS[:1])
        owner = ", ".join((f.or_null("owner_type"), f.or_null("owner_dbid")))
        sql = f"select {f['dbid']}, {f['name']}, {f['type']}, {f[parent]}, {owner} from {f}"
        return [
            FolderRow(int(d), _text(n), int(t), _number(p), _number(ot), _number(o))
            for d, n, t, p, ot, o in self._rows(sql)
        ]

    def folder_uses(self, mapping: FolderMapping, tenant: int | None = None) -> list[FolderUse]:
        """How many enabled objects are in which folder, of all tenants or of one."""
        found = []
        for kind in UNITS:
            a, only = self._objects(kind, "tenant_dbid")
            folder, join = mapping.joined(self.catalogue, a, kind)
            where = f"{only} and {a['state']} = {ENABLED}"
            if tenant is not None:
                where += f" and {a['tenant_dbid']} = {tenant}"
            sql = f"select {folder}, count(*) from {a}{join} where {where} group by {folder}"
            found += [FolderUse(kind, _number(f) or None, int(n)) for f, n in self._rows(sql)]
        return found

    def repeated(self, mapping: FolderMapping) -> int:
        """How many objects are in several folders."""
        if not mapping.table:
            return 0
        m = self.catalogue.alias(mapping.table, "m", "object_dbid", "object_type")
        key = f"{m['object_type']}, {m['object_dbid']}"
        units = _listed(UNITS.values())
        sql = f"select {key} from {m} where {m['object_type']} in ({units})"
        return sum(1 for _ in self._rows(f"{sql} group by {key} having count(*) > 1"))

    # One tenant's objects, as they come

    def _of_tenant(
        self, kind: Kind, tenant: int, mapping: FolderMapping | None, *columns: str
    ) -> Iterator[Any]:
        """Rows (dbid, state, folder, then the columns; null where the table hasn't got one) of all
        that isn't deleted."""
        a, only = self._objects(kind, "tenant_dbid", columns[0])
        folder, join = mapping.joined(self.catalogue, a, kind) if mapping else ("null", "")
        listed = ", ".join([a["dbid"], a["state"], folder, *map(a.or_null, columns)])
        where = f"{only} and {a['tenant_dbid']} = {tenant} and {a['state']} <> {DELETED}"
        return self._rows(f"select {listed} from {a}{join} where {where}")

    def persons(self, tenant: int, mapping: FolderMapping | None) -> Iterator[Person]:
        columns = ("user_name", "employee_id", "is_agent")
        for dbid, state, folder, name, employee, agent in self._of_tenant(
            "person", tenant, mapping, *columns
        ):
            is_agent = agent == CFG_TRUE
            yield Person(
                int(dbid), _text(name), _text(employee), is_agent, int(state), _number(folder)
            )

    def named(self, kind: Kind, tenant: int, mapping: FolderMapping | None) -> Iterator[Named]:
        for dbid, state, folder, name in self._of_tenant(kind, tenant, mapping, "name"):
            yield Named(int(dbid), _text(name), int(state), _number(folder))

    def dns(self, tenant: int, mapping: FolderMapping | None) -> Iterator[Dn]:
        columns = ("number_", "name", "switch_dbid", "type")
        for dbid, state, folder, number, name, switch, kind in self._of_tenant(
            "dn", tenant, mapping, *columns
        ):
            number, name = _text(number), _text(name)
            yield Dn(int(dbid), int(switch), int(kind), number, name, int(state), _number(folder))

    def skill_levels(
        self, tenant: int, mapping: FolderMapping | None
    ) -> Iterator[tuple[int | None, int, int]]:
        """(Folder of the persons, level, how often) of enabled persons; level 0 is none."""
        p = self.catalogue.alias("cfg_person", "a", "dbid", "state", "tenant_dbid")
        s = self.catalogue.alias("cfg_skill_level", "l", "person_dbid", "level_")
        folder, join = mapping.joined(self.catalogue, p, "person") if mapping else ("null", "")
        group = f"{folder}, {s['level_']}" if mapping else s["level_"]
        sql = (
            f"select {folder}, {s['level_']}, count(*) from {s}"
            f" join {p} on {p['dbid']} = {s['person_dbid']}{join}"
            f" where {p['tenant_dbid']} = {tenant} and {p['state']} = {ENABLED}"
            f" and {s['level_']} <> 0 group by {group}"
        )
        for in_folder, level, number in self._rows(sql):
            yield _number(in_folder), int(level), int(number)

    # Annexes

    def options(
        self,
        object_type: ObjectType,
        sections: Sequence[str] = (),
        names: Sequence[str] = (),
        of: Sequence[int] = (),
    ) -> Iterator[Option]:
        """Options of these sections, names and objects (of all where none are given), whatever
        their case, the pieces of a long value put together. The words are our own, never an
        operator's."""
        columns = ("dbid", "object_dbid", "object_type", "parent_dbid", "prop_name")
        s = self.catalogue.alias("cfg_flex_prop", "s", *columns)
        o = self.catalogue.alias("cfg_flex_prop", "o", *columns, "prop_value", "part")
        where = [
            f"{s['object_type']} = {int(object_type)}",
            f"({s['parent_dbid']} is null or {s['parent_dbid']} = 0)",
        ]
        where += _is_one_of(s["prop_name"], sections)
        where += _is_one_of(o["prop_name"], names)
        where += [f"{s['object_dbid']} in ({_listed(of)})"] if of else []
        listed = ", ".join([o["dbid"], o["part"], s["object_dbid"], s["prop_name"], o["prop_name"]])
        sql = (
            f"select {listed}, {o['prop_value']} from {s} join {o}"
            f" on {o['parent_dbid']} = {s['dbid']} and {o['object_type']} = {s['object_type']}"
            f" and {o['object_dbid']} = {s['object_dbid']}"
            f" where {' and '.join(where)} order by {o['dbid']}, {o['part']}"
        )
        for _, pieces in groupby(self._rows(sql), key=lambda row: row[0]):
            (_, _, object_dbid, section, name, value), *rest = pieces
            # Not stripped before they are put together: a piece may end in a space.
            whole = "".join(str(piece or "") for piece in (value, *(row[5] for row in rest)))
            yield Option(int(object_dbid), _text(section), _text(name), whole.rstrip())

    def transactions(self) -> list[TransactionRow]:
        """Every transaction of the name, in whatever case, that isn't deleted."""
        columns = ("dbid", "tenant_dbid", "name", "type", "state")
        t = self.catalogue.alias("cfg_transaction", "t", *columns)
        listed = ", ".join(t[column] for column in columns)
        where = " and ".join([*_is_one_of(t["name"], [NAME]), f"{t['state']} <> {DELETED}"])
        return [
            TransactionRow(int(d), int(of), _text(n), int(kind), int(state))
            for d, of, n, kind, state in self._rows(f"select {listed} from {t} where {where}")
        ]

    def annexes(self, transactions: Iterable[int]) -> dict[int, dict[str, dict[str, str]]]:
        """Transaction → section → option → value. It holds secrets."""
        found: dict[int, dict[str, dict[str, str]]] = {}
        wanted = sorted(transactions)
        for at in range(0, len(wanted), IDS_AT_ONCE):
            of = wanted[at : at + IDS_AT_ONCE]
            for option in self.options(ObjectType.TRANSACTION, of=of):
                sections = found.setdefault(option.object_dbid, {})
                sections.setdefault(option.section, {})[option.name] = option.value
        return found

    def dn_type_names(self) -> dict[int, str]:
        """DN type → its name, as this database lists them."""
        c = self.catalogue.alias("cfg_locale", "c", "lc_type", "lc_subtype", "lc_value")
        sql = f"select {c['lc_subtype']}, {c['lc_value']} from {c} where {c['lc_type']} = 5"
        return {int(code): _text(name) for code, name in self._rows(sql) if code is not None}


def _is_one_of(column: str, words: Sequence[str]) -> list[str]:
    """A condition that a column is one of our own words, in whatever case."""
    if not words:
        return []
    assert all(word.replace("_", "").isalnum() for word in words)
    listed = ", ".join(f"'{word.lower()}'" for word in words)
    return [f"lower({column}) in ({listed})"]


def _listed(numbers: Iterable[int]) -> str:
    return ", ".join(str(int(number)) for number in numbers)


def _number(value: Any) -> int | None:
    return None if value is None else int(value)


def _text(value: Any) -> str:
    """Trimmed: some copies of the tables hold names with blanks behind them."""
    return "" if value is None else str(value).strip()
