"""The survey's rules over plain rows: names, folders, groups, supervisors, transaction, time."""

from __future__ import annotations

import pytest

from engage import folders, supervisors, transactions
from engage.annex import wanted_annex
from engage.catalogue import Catalogue, of_rows
from engage.conflicts import CaseConflicts
from engage.database import in_double_quotes
from engage.errors import NotRecognised
from engage.estimate import estimated
from engage.folders import Doubt, Folders, FolderUse
from engage.groups import DnNames, linked
from engage.objects import Dn, DnType, FolderRow, Named, Option
from engage.supervisors import NearSupervisor
from engage.transactions import TransactionRow, chosen, compared, others_in, sharing

COLUMNS = {"cfg_person": ("dbid", "user_name", "password"), "cfg_flex_prop": ("dbid",)}


def rows_of(schema: str, upper: bool = False) -> list[tuple[str, str, str]]:
    found = [(schema, table, column) for table, names in COLUMNS.items() for column in names]
    return [(s, t.upper(), c.upper()) for s, t, c in found] if upper else found


def catalogue(*schemas: str, own: str = "dbo", upper: bool = False) -> Catalogue:
    rows = [row for schema in schemas for row in rows_of(schema, upper)]
    return of_rows(rows, own, in_double_quotes)


def test_a_column_of_passwords_is_no_column() -> None:
    assert list(catalogue("dbo").tables["cfg_person"].columns) == ["dbid", "user_name"]


def test_names_are_quoted_as_the_database_spells_them() -> None:
    person = catalogue("GENESYS", upper=True).alias("cfg_person", "p", "user_name")
    assert (str(person), person["user_name"]) == ('"GENESYS"."CFG_PERSON" p', 'p."USER_NAME"')


def test_a_table_or_column_that_is_not_there_is_said_and_not_asked_for() -> None:
    found = catalogue("dbo")
    with pytest.raises(NotRecognised) as caught:
        found.alias("cfg_person", "p", "dbid", "is_agent")
    assert (caught.value.table, caught.value.columns) == ("cfg_person", ("is_agent",))
    with pytest.raises(NotRecognised) as caught:
        found.alias("cfg_folder", "f")
    assert caught.value.table == "cfg_folder"


def test_of_two_config_dbs_the_sessions_own_counts_and_without_it_none() -> None:
    assert catalogue("old", "dbo").schema == "dbo"
    with pytest.raises(NotRecognised) as caught:
        catalogue("old", "new", own="public")
    assert caught.value.schemas == ("new", "old")
    with pytest.raises(NotRecognised):
        of_rows([("public", "cfg_person", "dbid")], "public", in_double_quotes)


# Names


def test_names_that_differ_by_case_alone_conflict_within_kind_field_and_scope() -> None:
    found = CaseConflicts()
    for kind, scope, name, dbid in (
        ("skill", "A", "Spanish", 1),
        ("skill", "A", "SPANISH ", 2),
        ("skill", "B", "spanish", 3),
        ("person", "A", "spanish", 4),
        ("skill", "A", "French", 5),
        ("skill", "A", "French", 6),
        ("skill", "A", "", 7),
        ("skill", "A", " ", 8),
    ):
        found.add(kind, "name", scope, name, dbid, 1)
    (conflict,) = found.found()
    assert (conflict.kind, conflict.scope) == ("skill", "A")
    assert [(each.name, each.dbid) for each in conflict.spellings] == [
        ("Spanish", 1), ("SPANISH", 2),
    ]  # fmt: skip


def test_objects_whose_number_is_their_name_too_conflict_once() -> None:
    found = CaseConflicts()
    for field in ("number", "name"):
        found.add("dn", field, "SIP_East", "VQ", 1, 1)
        found.add("dn", field, "SIP_East", "vq", 2, 1)
    assert [conflict.field for conflict in found.found()] == ["number"]


def test_an_umlaut_and_a_sharp_s_are_folded_as_names_are() -> None:
    found = CaseConflicts()
    found.add("person", "user name", "A", "STRAẞE", 1, 1)
    found.add("person", "user name", "A", "straße", 2, 1)
    assert len(found.found()) == 1


# Folders

PERSONS, RETAIL, NORTH, DNS, RETAIL_DNS = 10, 11, 12, 20, 21
TREE = Folders(
    [
        # The topmost may name its owner as its parent, whose number is a folder's too.
        FolderRow(PERSONS, "Persons", 3, 20, 7, 1),
        FolderRow(RETAIL, "Retail", 3, PERSONS, 7, 1),
        FolderRow(NORTH, "North", 3, RETAIL, 7, 1),
        FolderRow(DNS, "DNs", 2, None, 1, 5),
        FolderRow(RETAIL_DNS, "Retail", 2, DNS, 1, 5),
    ]
)
RIGHT = [
    FolderUse("person", RETAIL, 3),
    FolderUse("person", NORTH, 2),
    FolderUse("dn", RETAIL_DNS, 4),
]


def test_a_name_finds_folders_in_every_unit_and_takes_those_below() -> None:
    assert TREE.selected(["Retail"]) == {RETAIL, NORTH, RETAIL_DNS}
    found = folders.matches(TREE, ["Retail"], RIGHT, {5: "SIP_East"})
    assert [(m.kind, m.path, m.owner, m.objects) for m in found] == [
        ("person", "Persons/Retail", "", 5), ("dn", "DNs/Retail", "SIP_East", 4),
    ]  # fmt: skip
    assert TREE.in_other_case("RETAIL") == ["Retail"]


def test_folders_of_another_tenants_switch_are_not_the_tenants() -> None:
    assert {row.dbid for row in TREE.of(1, [6])} == {PERSONS, RETAIL, NORTH}


def test_a_mapping_without_a_flaw_is_recognised() -> None:
    assert folders.doubts(TREE, RIGHT, 0) == []


@pytest.mark.parametrize(
    ("uses", "repeated", "doubt"),
    [
        ([FolderUse("person", None, 1)], 0, Doubt("in no folder", "person", 1)),
        ([FolderUse("person", 99, 1)], 0, Doubt("in no folder", "person", 1)),
        ([FolderUse("dn", RETAIL, 1)], 0, Doubt("folder of another type", "dn", 1)),
        ([], 2, Doubt("in several folders", None, 2)),
    ],
)
def test_one_object_against_it_and_the_mapping_is_not_recognised(
    uses: list[FolderUse], repeated: int, doubt: Doubt
) -> None:
    assert folders.doubts(TREE, [*RIGHT, *uses], repeated) == [doubt]


def test_folders_in_a_circle_are_no_tree() -> None:
    circle = Folders([FolderRow(1, "a", 3, 2, 7, 1), FolderRow(2, "b", 3, 1, 7, 1)])
    assert Doubt("folders in a circle") in folders.doubts(circle, [], 0)
    assert circle.path(1).count("/") == 1


# Agent groups

VQ = DnType.VIRTUAL_QUEUE
CASES = {
    "VQ_1": "linked",
    "00520": "by number",
    "vq_1": "other case",
    "VQ_out": "not selected",
    "VQ_off": "disabled",
    "8001": "wrong type",
    "VQ_9": "no such dn",
}
QUEUES = [
    Dn(1, 1, VQ, "VQ_1", "VQ_1", 1, 7),
    Dn(2, 1, VQ, "00520", "VQ_Sales", 1, 7),
    Dn(3, 1, VQ, "VQ_out", "VQ_out", 1, 8),
    Dn(4, 1, VQ, "VQ_off", "VQ_off", 2, 7),
    Dn(5, 1, DnType.ROUTING_POINT, "8001", "8001", 1, 7),
    # Of another type, on another switch: the Virtual Queue counts.
    Dn(6, 2, DnType.EXTENSION, "VQ_1", "VQ_1", 1, 7),
]


def test_each_group_is_told_what_its_queue_number_leads_to() -> None:
    groups = [Named(number, value, 1, 7) for number, value in enumerate(CASES)]
    options = [Option(group.dbid, "hybrid", "WFM_queue_number", group.name) for group in groups]
    names = DnNames(CASES)
    for dn in QUEUES:
        names.add(dn)
    found = linked(groups, options, names, lambda dn: dn.folder == 7)
    assert {each.value: each.link for each in found} == CASES
    assert next(each for each in found if each.link == "wrong type").dn_type == "Routing Point"


def test_a_group_without_the_key_and_a_virtual_one_are_told_apart() -> None:
    groups = [Named(number, str(number), 1, 7) for number in (1, 2, 3)]
    options = [
        Option(2, "virtual", "script", "Skill > 1"), Option(3, "Hybrid", "WFM_queue_number", "VQ_1")
    ]  # fmt: skip
    found = linked(groups, options, DnNames([]), lambda dn: dn.folder == 7)
    assert [(each.link, each.is_virtual) for each in found] == [
        ("no key", False), ("no key", True), ("key in other case", False),
    ]  # fmt: skip


# Supervisors


@pytest.mark.parametrize(
    ("is_agent", "key", "roles", "found"),
    [
        (True, "htcc/roles", "Agent, Supervisor", True),
        (True, "htcc/roles", "Agent", False),
        (False, "htcc/roles", "Supervisor", ("not an agent", "Supervisor")),
        (True, "htcc/roles", "agent,supervisor", ("role in other case", "supervisor")),
        (True, "htcc/roles", "Supervisors", ("another word", "Supervisors")),
        (True, "HTCC/roles", "Supervisor", ("key in other case", "HTCC/roles")),
    ],
)
def test_the_vendors_rule_for_supervisors_and_what_nearly_fits(
    is_agent: bool, key: str, roles: str, found: bool | tuple[str, str]
) -> None:
    section, _, option = key.partition("/")
    judged = supervisors.judged(5, "ann", is_agent, section, option, roles)
    if isinstance(judged, NearSupervisor):
        assert (judged.dbid, judged.user_name) == (5, "ann")
        assert (judged.why, judged.found) == found
    else:
        assert judged is found


# The transaction

WANTED = wanted_annex("org-1", "mypurecloud.de", "client-1", "word-1")
RIGHT_ANNEX = {
    section: {key: value or "x" for key, value in keys.items()} for section, keys in WANTED.items()
}


def standings(section: str, key: str, value: str | None) -> str:
    annex = {name: dict(keys) for name, keys in RIGHT_ANNEX.items()}
    if value is None:
        del annex[section][key]
    else:
        annex[section][key] = value
    (found,) = (k for k in compared(annex, WANTED) if (k.section, k.key) == (section, key))
    assert "word-1" not in str(found)
    assert value is None or key != "client_secret" or value not in str(found)
    return found.standing


def test_each_key_is_compared_with_what_the_stack_file_says() -> None:
    assert standings("general", "organization_id", "org-1") == "as wanted"
    assert standings("general", "organization_id", "org-2") == "differs"
    assert standings("general", "organization_sname", "acme") == "there"
    assert (
        standings("general", "organization_sname", "CFG_ALIAS_EX_ORG_SHORT_NAME") == "placeholder"
    )
    assert standings("config_sync", "skill_level_min_value", None) == "missing"
    assert standings("config_sync", "client_id", " ") == "empty"
    assert standings("conversation_provider", "sta_default_language", None) == "optional"


def test_a_secret_is_compared_and_never_repeated() -> None:
    assert standings("config_sync", "client_secret", "word-1") == "as wanted"
    assert standings("config_sync", "client_secret", "another-word") == "differs"


def test_urls_that_differ_are_doubtful_and_not_wrong() -> None:
    annex = RIGHT_ANNEX | {"general": RIGHT_ANNEX["general"] | {"base_service_url": "https://x"}}
    facts = transactions.TransactionFacts("there", keys=tuple(compared(annex, WANTED)))
    assert facts.wrong == []
    assert [key.key for key in facts.doubtful] == ["base_service_url"]


def test_sections_and_keys_of_another_use_are_named_without_their_values() -> None:
    annex = RIGHT_ANNEX | {"iwd": {"token": "s3cret"}, "agent_state_sync": {"extra": "s3cret"}}
    assert others_in(annex, WANTED) == ("agent_state_sync/extra", "iwd")


def test_the_transaction_of_the_right_type_is_chosen_and_the_others_are_kept() -> None:
    def row(dbid: int, kind: int = 21, name: str = "hybrid_integration", state: int = 1):  # type: ignore[no-untyped-def]  # a row, by its few parts
        return TransactionRow(dbid, 1, name, kind, state)

    found = chosen([row(1, 3), row(2), TransactionRow(3, 2, "hybrid_integration", 21, 1)], 1)
    assert (found[0], [each.dbid for each in found[1]]) == ("there", [2, 1])
    assert chosen([row(1, 3)], 1)[0] == "wrong type"
    assert chosen([row(1, state=2)], 1)[0] == "disabled"
    assert chosen([row(1, name="Hybrid_Integration")], 1)[0] == "name in other case"
    assert chosen([row(1), row(2)], 1)[0] == "several"
    assert chosen([TransactionRow(3, 2, "hybrid_integration", 21, 1)], 1) == ("missing", [])


def test_another_tenants_transaction_with_the_same_organization_is_found() -> None:
    same, other = ({"general": {"organization_id": org}} for org in ("ORG-1 ", "org-2"))
    assert sharing([(1, same), (2, same), (2, {}), (3, other)], "org-1", 1) == [2]


# The estimate


def test_the_vendors_figures_grow_with_the_agents() -> None:
    found = estimated(3000, 4000, 5400.0)
    assert (found.seconds, found.redis_gb) == ((5400, 7200), 6.0)
    assert found.requests == (27_000, 36_000)
    assert not found.is_deadline_enough
    assert estimated(100, 200, 5400.0).redis_gb == 2.0


def test_no_sync_is_faster_than_one_request_an_object() -> None:
    assert estimated(10, 3000, 5400.0).seconds == (600, 600)
