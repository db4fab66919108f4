"""A tenant's configuration in Engage, read and judged before anything is synced from it.

Read only. What can't be read, or isn't recognised, is an Unknown of the result and no error.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Literal, TypeVar

from engage import estimate, folders, groups, supervisors, transactions
from engage.conflicts import CaseConflicts
from engage.database import Database, read_catalogue
from engage.errors import DatabaseError, NotRecognised
from engage.folders import Folders, FolderUse
from engage.groups import DnNames
from engage.objects import (
    ENABLED,
    QUEUES,
    UNITS,
    Dn,
    DnType,
    Named,
    ObjectType,
    Option,
    Tenant,
)
from engage.reading import FolderMapping, Reader
from engage.results import FolderFacts, Missed, SkillLevels, Survey, Topic, Unknown, Wanted
from engage.supervisors import NearSupervisor
from engage.transactions import TransactionFacts

Answer = TypeVar("Answer")
SPELLINGS_OF_DN_TYPES: Mapping[int, tuple[str, ...]] = {
    DnType.EXTENSION: ("extension",),
    DnType.ROUTING_POINT: ("routing", "point"),
    DnType.VIRTUAL_QUEUE: ("virtual", "queue"),
}
"""Words that the database's own name of a type has to have in it, for its number to be ours."""


def taken(database: Database, wanted: Wanted) -> Survey:
    """The survey of the tenant whose DBID is `wanted.tenant_id`.

    Raises NotRecognised where there is no Config DB, DatabaseError where the connection is lost.
    """
    catalogue = read_catalogue(database)
    return _Surveyor(Reader(database, catalogue), wanted, Survey(catalogue.schema, None)).take()


def compared_transaction(
    reader: Reader, tenants: Sequence[Tenant], wanted: Wanted, tenant: int
) -> tuple[TransactionFacts, transactions.Annex]:
    """The tenant's transaction against what the stack file wants, and its annex, which holds
    secrets. Raises NotRecognised, DatabaseError."""
    rows = reader.transactions()
    how, own = transactions.chosen(rows, tenant)
    annexes = reader.annexes(row.dbid for row in rows)
    first = own[0] if own else None
    annex = annexes.get(first.dbid, {}) if first else {}
    of_tenants = [(row.tenant, annexes.get(row.dbid, {})) for row in rows]
    names = {t.dbid: t.name for t in tenants}
    sharing = transactions.sharing(of_tenants, wanted.org_id, tenant)
    facts = TransactionFacts(
        how,
        first.dbid if first else None,
        first.type if first else None,
        tuple(row.type for row in own[1:]),
        tuple(transactions.compared(annex, wanted.annex)) if first else (),
        transactions.others_in(annex, wanted.annex),
        tuple(names.get(dbid, str(dbid)) for dbid in sharing),
    )
    return facts, annex


class _Surveyor:
    def __init__(self, reader: Reader, wanted: Wanted, found: Survey) -> None:
        self._reader, self._wanted, self._found = reader, wanted, found
        self._conflicts = CaseConflicts()
        self._mapping: FolderMapping | None = None
        self._selected: set[int] | None = None
        self._annex: transactions.Annex = {}

    def take(self) -> Survey:
        found, reader = self._found, self._reader
        found.tenants = self._asked("tenants", reader.tenants, [])
        found.switches = self._asked("switches", reader.switches, [])
        for kind in UNITS:
            found.totals += self._asked("totals", partial(reader.totals, kind), [])
        self._asked("dn types", self._dn_types, None)
        tenant = next((t for t in found.tenants if str(t.dbid) == self._wanted.tenant_id), None)
        found.tenant = tenant
        if tenant is None:
            return found
        self._asked("folders", lambda: self._folders(tenant), None)
        self._asked("transaction", lambda: self._transaction(tenant), None)
        self._asked("persons", lambda: self._persons(tenant), None)
        self._asked("skills", lambda: self._skills(tenant), None)
        self._asked("skill levels", lambda: self._skill_levels(tenant), None)
        self._asked("agent groups", lambda: self._groups_and_dns(tenant), None)
        found.conflicts = self._conflicts.found()
        self._estimate()
        return found

    def _asked(self, topic: Topic, ask: Callable[[], Answer], otherwise: Answer) -> Answer:
        try:
            return ask()
        except NotRecognised as error:
            unknown = Unknown(topic, "not recognised", error.table, error.columns)
        except DatabaseError as error:
            if error.kind == "lost":
                raise
            unknown = Unknown(topic, error.kind, code=error.code)
        self._found.unknowns.append(unknown)
        return otherwise

    def _dn_types(self) -> None:
        names = self._reader.dn_type_names()
        self._found.strange_dn_types = {
            code: names[code]
            for code, words in SPELLINGS_OF_DN_TYPES.items()
            if code in names and not all(word in names[code].lower() for word in words)
        }

    # The filter

    def _folders(self, tenant: Tenant) -> None:
        """Recognises the mapping over all tenants, then applies it to this one."""
        names = self._wanted.folders
        self._found.folders = FolderFacts(names is not None, False)
        mapping = self._reader.folder_mapping()
        everything = Folders(self._reader.folders())
        uses = self._reader.folder_uses(mapping)
        doubts = folders.doubts(everything, uses, self._reader.repeated(mapping))
        if doubts:
            self._found.folders = FolderFacts(names is not None, False, tuple(doubts))
            return
        self._mapping = mapping
        switches = {s.dbid: s.name for s in self._found.switches if s.tenant == tenant.dbid}
        own = everything.of(tenant.dbid, switches)
        of_tenant = self._reader.folder_uses(mapping, tenant.dbid)
        self._found.folders = self._filtered(own, of_tenant, switches)

    def _filtered(
        self, own: Folders, uses: Sequence[FolderUse], switches: Mapping[int, str]
    ) -> FolderFacts:
        names = self._wanted.folders
        if names is None:
            return FolderFacts(False, True)
        self._selected = own.selected(names)
        for row in own:
            if row.dbid in self._selected:
                owner = switches.get(row.owner or 0, "")
                scope = f"{own.path(row.parent)}" if row.parent in self._selected else owner
                self._conflicts.add("folder", "name", scope, row.name, row.dbid, ENABLED)
        missed = [
            Missed(name, tuple(own.in_other_case(name))) for name in names if not own.named(name)
        ]
        found = folders.matches(own, names, uses, switches)
        return FolderFacts(True, True, (), tuple(found), tuple(missed))

    def _is_selected(self, folder: int | None) -> bool:
        return self._selected is None or folder in self._selected

    # The objects

    def _transaction(self, tenant: Tenant) -> None:
        self._found.transaction, self._annex = compared_transaction(
            self._reader, self._found.tenants, self._wanted, tenant.dbid
        )

    def _persons(self, tenant: Tenant) -> None:
        roles = self._asked("supervisors", self._supervisor_roles, None)
        persons = found = 0
        for person in self._reader.persons(tenant.dbid, self._mapping):
            if not self._is_selected(person.folder):
                continue
            for name, value in (
                ("user name", person.user_name), ("employee id", person.employee_id),
            ):  # fmt: skip
                self._conflicts.add("person", name, tenant.name, value, person.dbid, person.state)
            if person.state != ENABLED:
                continue
            persons += 1
            if roles is not None and person.dbid in roles:
                judged = supervisors.judged(
                    person.dbid, person.user_name, person.is_agent, *roles[person.dbid]
                )
                found += judged is True
                if isinstance(judged, NearSupervisor):
                    self._found.near_supervisors.append(judged)
        self._found.persons = persons
        self._found.supervisors = found if roles is not None else None

    def _supervisor_roles(self) -> dict[int, tuple[str, str, str]]:
        """Person → section, option and value, of those whose roles speak of a supervisor. The
        vendor's own spelling counts where a person has several."""
        self._reader.catalogue.alias("cfg_person", "p", "is_agent")
        section, option = supervisors.SECTION, supervisors.OPTION
        found: dict[int, tuple[str, str, str]] = {}
        for each in self._reader.options(ObjectType.PERSON, [section], [option]):
            is_exact = (each.section, each.name) == (section, option)
            if supervisors.ROLE.lower() in each.value.lower() and (
                is_exact or each.object_dbid not in found
            ):
                found[each.object_dbid] = (each.section, each.name, each.value)
        return found

    def _skills(self, tenant: Tenant) -> None:
        self._found.skills = len(self._selected_of("skill", self._reader, tenant))

    def _selected_of(
        self, kind: Literal["skill", "agent group"], reader: Reader, tenant: Tenant
    ) -> list[Named]:
        """The enabled objects that the filter takes; their names are looked at for conflicts."""
        found = []
        for each in reader.named(kind, tenant.dbid, self._mapping):
            if self._is_selected(each.folder):
                self._conflicts.add(kind, "name", tenant.name, each.name, each.dbid, each.state)
                found += [each] if each.state == ENABLED else []
        return found

    def _skill_levels(self, tenant: Tenant) -> None:
        levels: dict[int, int] = {}
        for folder, level, number in self._reader.skill_levels(tenant.dbid, self._mapping):
            if self._is_selected(folder):
                levels[level] = levels.get(level, 0) + number
        if not levels:
            return
        allowed = self._allowed_levels()
        outside = 0
        if allowed is not None:
            outside = sum(n for lv, n in levels.items() if not allowed[0] <= lv <= allowed[1])
        self._found.skill_levels = SkillLevels(min(levels), max(levels), allowed, outside)

    def _allowed_levels(self) -> tuple[int, int] | None:
        sync = self._annex.get("config_sync", {})
        try:
            return int(sync["skill_level_min_value"]), int(sync["skill_level_max_value"])
        except (KeyError, ValueError):
            return None

    def _groups_and_dns(self, tenant: Tenant) -> None:
        """Groups first: of the DNs only those that a group could mean are kept."""
        nothing: tuple[list[Named], list[Option]] = ([], [])
        selected, options = self._asked("agent groups", lambda: self._agent_groups(tenant), nothing)
        names = DnNames(groups.values_of(options).values())
        is_complete = self._asked("dns", lambda: self._dns(tenant, names), False)
        if is_complete:
            self._found.groups = groups.linked(selected, options, names, self._is_selected_dn)

    def _agent_groups(self, tenant: Tenant) -> tuple[list[Named], list[Option]]:
        selected = self._selected_of("agent group", self._reader, tenant)
        self._found.agent_groups = len(selected)
        sections = (groups.SECTION, groups.VIRTUAL_SECTION)
        keys = (groups.KEY, groups.VIRTUAL_KEY)
        return selected, list(self._reader.options(ObjectType.AGENT_GROUP, sections, keys))

    def _is_selected_dn(self, dn: Dn) -> bool:
        return self._is_selected(dn.folder)

    def _dns(self, tenant: Tenant, names: DnNames) -> bool:
        switches = {switch.dbid: switch.name for switch in self._found.switches}
        counts = dict.fromkeys((*QUEUES, DnType.EXTENSION), 0)
        for dn in self._reader.dns(tenant.dbid, self._mapping):
            names.add(dn)
            if dn.type not in counts or not self._is_selected(dn.folder):
                continue
            scope = switches.get(dn.switch, f"switch {dn.switch}")
            self._conflicts.add("dn", "number", scope, dn.number, dn.dbid, dn.state)
            if dn.type != DnType.EXTENSION or dn.name != dn.number:
                self._conflicts.add("dn", "name", scope, dn.name, dn.dbid, dn.state)
            counts[DnType(dn.type)] += dn.state == ENABLED
        self._found.dns = {int(kind): number for kind, number in counts.items()}
        return True

    def _estimate(self) -> None:
        found = self._found
        if None in (found.persons, found.skills, found.agent_groups) or found.dns is None:
            return
        queues = sum(number for kind, number in found.dns.items() if kind != DnType.EXTENSION)
        persons = found.persons or 0
        objects = persons + (found.skills or 0) + (found.agent_groups or 0) + queues
        found.estimate = estimate.estimated(persons, objects, self._wanted.deadline_seconds)
