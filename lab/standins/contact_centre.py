"""A contact centre for the lab's Config DB: tenants, switches, folders in depth, a thousand agents,
and the mistakes that a survey is there to find.

All of it is outside the folders that the lab's stack syncs (Retail, Claims): the sync takes as long
as it did. `exctl survey --folder Service` looks at it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import count

AGENTS = 1000
FIRST_DBID = 200_000
"""Below it are the objects that a lab syncs, however many it was asked for."""
AGENT_GROUP, PLACE_GROUP = 5, 6
TRANSACTION = {"object": 16, "list": 21}
DN_TYPES = {
    "Extension": 1,
    "ACD Position": 2,
    "ACD Queue": 3,
    "Routing Point": 4,
    "Virtual Queue": 5,
    "Virtual Routing Point": 6,
    "Routing Queue": 22,
}
FOLDERS = (
    (1, None, ""),
    (2, 1, "Retail"),
    (3, 2, "Retail North"),
    (4, 1, "Claims"),
    (5, 4, "Claims Motor"),
    (6, 1, "Archive"),
    (7, 1, "Service"),
    (8, 7, "Inbound"),
    (9, 8, "Late Shift"),
    (10, 7, "Back Office"),
)
"""The same tree in each unit of each tenant: number, parent's, name; the first has the unit's."""
SERVICE = (7, 8, 9, 10)
UNITS = {3: "Persons", 13: "Skills", 5: "Agent Groups", 6: "Place Groups"}
TENANTS = {1: "Resources", 102: "Outsourcer"}
SWITCHES = {1: (1, "SIP_East"), 2: (1, "SIP_West"), 3: (102, "SIP_Outsourcer")}
"""Switch → its tenant and name."""
SKILLS, QUEUES, GROUPS = 40, 60, 50
SUPERVISORS = {"good": 12, "lower": 3}
Tables = dict[str, list[tuple[object, ...]]]
Annex = Mapping[str, Mapping[str, str]]


class AnnexRows:
    """Rows of `cfg_flex_prop`: a section has no parent, its options have it as theirs."""

    def __init__(self) -> None:
        self.rows: list[tuple[object, ...]] = []
        self._dbids = count(1)

    def add(self, object_type: int, object_dbid: int, annex: Annex) -> None:
        """A value of over 255 characters has several rows, as the key (dbid, part) allows."""
        for section, options in annex.items():
            parent = next(self._dbids)
            self.rows.append((parent, object_dbid, object_type, 0, section, None, 1, 1))
            for name, value in options.items():
                dbid = next(self._dbids)
                cuts = range(0, max(len(value), 1), 255)
                pieces = [value[at : at + 255] or None for at in cuts]
                for part, piece in enumerate(pieces, 1):
                    row = (dbid, object_dbid, object_type, parent, name, piece, 1, part)
                    self.rows.append(row)


def folder_dbid(object_type: int, folder: int, owner: int = 1, tenant: int = 1) -> int:
    """A folder by its unit: of an object type, and for DNs of a switch (`owner`)."""
    unit = 10_000 * (tenant // 100) + 100 * object_type
    return unit + folder + (20 * owner if object_type == 2 else 0)


def add(tables: Tables, annexes: AnnexRows, agents: int, org_id: str) -> None:
    """Everything of the contact centre, into the rows by table and into the annexes."""
    tables["cfg_tenant (dbid, name)"] += list(TENANTS.items())
    for dbid, (tenant, name) in SWITCHES.items():
        tables["cfg_switch (dbid, tenant_dbid, name)"].append((dbid, tenant, name))
    folder = "cfg_folder (dbid, name, type, owner_type, owner_dbid, parent_dbid)"
    tables[folder] += _folders()
    locale = "cfg_locale (lcid, lc_class, lc_type, lc_subtype, lc_value)"
    tables[locale] += [(1033, 1, 5, code, name) for name, code in DN_TYPES.items()]
    _Centre(tables, annexes, agents).build()
    _outsourcer(tables, annexes, org_id)


def _folders() -> Iterator[tuple[object, ...]]:
    for tenant in TENANTS:
        units = [(kind, 7, tenant, name) for kind, name in UNITS.items()]
        units += [(2, 1, switch, "DNs") for switch, (of, _) in SWITCHES.items() if of == tenant]
        for kind, owner_type, owner, unit in units:
            for number, parent, name in FOLDERS:
                above = folder_dbid(kind, parent, owner, tenant) if parent else None
                dbid = folder_dbid(kind, number, owner, tenant)
                yield dbid, name or unit, kind, owner_type, owner, above


class _Centre:
    """The tenant of the lab's stack: first what is right, then the mistakes."""

    def __init__(self, tables: Tables, annexes: AnnexRows, agents: int) -> None:
        self._tables, self._annexes, self._agents = tables, annexes, agents
        self._dbids = count(FIRST_DBID)
        self._skills: list[int] = []
        self._persons: list[int] = []

    def build(self) -> None:
        for number in range(SKILLS):
            self._skills.append(self._skill(f"Skill {number:02}"))
        for number in range(self._agents):
            self._persons.append(self._person(f"cc{number:06}", f"E{number:06}"))
        self._levels()
        self._switches()
        self._groups()
        self._supervisors()
        self._conflicts()

    def _add(self, table: str, columns: str, *values: object) -> int:
        dbid = next(self._dbids)
        self._tables[f"{table} (dbid, hwm, {columns})"].append((dbid, dbid, *values))
        return dbid

    def _skill(self, name: str) -> int:
        place = folder_dbid(13, SERVICE[len(name) % len(SERVICE)])
        return self._add("cfg_skill", "name, folder_dbid", name, place)

    def _person(self, user_name: str, employee_id: str, is_agent: int = 2, state: int = 1) -> int:
        place = folder_dbid(3, SERVICE[len(self._persons) % len(SERVICE)])
        columns = "user_name, employee_id, password, is_agent, state, folder_dbid"
        values = (user_name, employee_id, "not-for-readers", is_agent, state, place)
        return self._add("cfg_person", columns, *values)

    def _dn(self, kind: str, number: str, name: str = "", switch: int = 1, state: int = 1) -> int:
        place = folder_dbid(2, SERVICE[len(number) % len(SERVICE)], switch)
        columns = "type, number_, name, switch_dbid, state, folder_dbid"
        values = (DN_TYPES[kind], number, name or number, switch, state, place)
        return self._add("cfg_dn", columns, *values)

    def _group(self, name: str, annex: Annex, members: int = 5, kind: int = AGENT_GROUP) -> None:
        place = folder_dbid(kind, 8)
        dbid = self._add("cfg_group", "group_type, name, folder_dbid", kind, name, place)
        for each in self._persons[dbid % 7 : dbid % 7 + members]:
            self._tables["cfg_agent_group (group_dbid, agent_dbid)"].append((dbid, each))
        self._annexes.add(kind, dbid, annex)

    def _levels(self) -> None:
        """Three skills a person; two of all the levels are above the transaction's greatest."""
        levels = self._tables["cfg_skill_level (person_dbid, skill_dbid, level_)"]
        for number, person in enumerate(self._persons):
            for step in range(3):
                level = 15 if number < 2 and step == 0 else (number + step) % 10 + 1
                levels.append((person, self._skills[(number + 13 * step) % SKILLS], level))

    def _switches(self) -> None:
        for switch, extensions in ((1, self._agents), (2, self._agents // 4)):
            for number in range(extensions):
                self._dn("Extension", f"{switch}{number:06}", switch=switch)
            for number in range(QUEUES // switch):
                self._dn("Virtual Queue", f"VQ_{switch}_{number:02}", switch=switch)
                self._dn("Routing Point", f"{switch}8{number:04}", switch=switch)
        self._dn("ACD Queue", "ACD_Old")
        self._dn("Virtual Queue", "VQ00520", "VQ803_Reporting")
        self._dn("Virtual Queue", "VQ_Closed", state=2)

    def _groups(self) -> None:
        for number in range(GROUPS):
            self._group(f"Team {number:02}", _queue(f"VQ_1_{number:02}"))
        self._group("All Spanish", _queue("VQ_1_50") | _virtual("Skill 01 > 3"), members=0)
        self._group("Places", {}, members=0, kind=PLACE_GROUP)
        # From here on each has its mistake.
        self._group("No queue named", {})
        self._group("Virtual, no queue", _virtual("Skill 02 > 5"), members=0)
        self._group("Queue in other case", _queue("vq_1_51"))
        self._group("Queue by number", _queue("VQ00520"))
        self._group("A routing point", _queue("180001"))
        self._group("A queue that is disabled", _queue("VQ_Closed"))
        self._group("A queue that is not there", _queue("VQ_9_99"))
        self._group("Key in other case", {"hybrid": {"wfm_queue_number": "VQ_1_52"}})

    def _supervisors(self) -> None:
        persons = iter(self._persons)
        for _ in range(SUPERVISORS["good"]):
            self._annexes.add(3, next(persons), _roles("Agent,Supervisor"))
        for _ in range(SUPERVISORS["lower"]):
            self._annexes.add(3, next(persons), _roles("agent, supervisor"))
        self._annexes.add(3, next(persons), _roles("Supervisors"))
        self._annexes.add(3, next(persons), {"HTCC": {"roles": "Supervisor"}})
        self._annexes.add(3, self._person("boss", "E-boss", is_agent=1), _roles("Supervisor"))
        long = ",".join(["x" * 20] * 20 + ["Supervisor"])
        self._annexes.add(3, next(persons), _roles(long))

    def _conflicts(self) -> None:
        self._person("maier.k", "E-76")
        self._person("Maier.K", "E-77")
        self._person("schulz", "e-77")
        self._person("gone.person", "E-gone", state=2)
        self._person("SCHULZ", "E-78", state=3)  # deleted: no conflict
        self._skill("Spanish")
        self._skill("spanish")
        self._dn("Virtual Queue", "VQ_Sales")
        self._dn("Virtual Queue", "vq_sales")
        self._dn("Virtual Queue", "VQ_SALES", switch=2)  # another switch's: no conflict
        self._group("Gold", _queue("VQ_1_53"))
        self._group("GOLD ", _queue("VQ_1_54"))


def _outsourcer(tables: Tables, annexes: AnnexRows, org_id: str) -> None:
    """Another tenant. Its transaction names the organization of the lab's stack: a mistake; and it
    has a second one of the same name, of another type."""
    tenant = 102
    tables["cfg_skill (dbid, hwm, tenant_dbid, name, folder_dbid)"].append(
        (150_000, 150_000, tenant, "Spanish", folder_dbid(13, 2, tenant=tenant))
    )
    for number in range(20):
        dbid = 150_001 + number
        place = folder_dbid(3, 2, tenant=tenant)
        tables["cfg_person (dbid, hwm, tenant_dbid, user_name, folder_dbid)"].append(
            (dbid, dbid, tenant, f"out{number}", place)
        )
    name = "hybrid_integration"
    transactions = tables["cfg_transaction (dbid, tenant_dbid, name, type)"]
    transactions += [(2, tenant, name, TRANSACTION["list"]), (3, tenant, name, 1)]
    annexes.add(TRANSACTION["object"], 2, {"general": {"organization_id": org_id}})


def _queue(number: str) -> dict[str, dict[str, str]]:
    return {"hybrid": {"WFM_queue_number": number}}


def _virtual(expression: str) -> dict[str, dict[str, str]]:
    return {"virtual": {"script": expression}}


def _roles(roles: str) -> dict[str, dict[str, str]]:
    return {"htcc": {"roles": roles}}
