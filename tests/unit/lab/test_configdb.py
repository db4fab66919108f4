"""Proves what the lab's Config DB holds. That EXCS can read it is proved in test_services."""

from __future__ import annotations

from collections import Counter, defaultdict

from lab import settings
from lab.standins import contact_centre
from lab.standins.configdb import (
    ARCHIVE,
    QUEUE_DBIDS,
    UNITS,
    WANTED,
    rows,
    seed_sql,
    transaction,
)
from lab.standins.contact_centre import AnnexRows, Tables, folder_dbid

URL = "https://10.77.0.30"


def test_the_same_number_of_objects_gives_the_same_database() -> None:
    assert seed_sql(100, URL) == seed_sql(100, URL)
    assert seed_sql(100, URL) != seed_sql(101, URL)


def test_so_many_objects_are_in_the_folders_of_the_labs_stack_and_some_are_not() -> None:
    found = list(rows(100))
    assert sum(row.folder in WANTED for row in found) == 100
    assert sum(row.folder == ARCHIVE for row in found) == 10
    assert [row.dbid for row in found] == list(range(1, 111))


def test_every_kind_of_object_is_there() -> None:
    tables = Counter(row.table for row in rows(100))
    assert tables["cfg_dn"] == len(QUEUE_DBIDS)
    assert tables["cfg_person"] > 50
    for table in ("cfg_skill", "cfg_group", "cfg_business_attribute"):
        assert tables[table] >= 9


def test_the_transaction_has_the_sections_of_the_vendors_annex() -> None:
    annex = transaction(URL)
    assert annex["general"]["organization_id"] == settings.ORG_ID
    assert annex["general"]["base_service_url"] == URL
    for section in ("config_sync", "agent_state_sync", "conversation_provider"):
        assert annex[section]["client_id"] == settings.OAUTH_CLIENT_ID


def test_no_object_of_the_contact_centre_is_in_a_folder_that_the_labs_stack_syncs() -> None:
    tables: Tables = defaultdict(list)
    contact_centre.add(tables, AnnexRows(), 50, settings.ORG_ID)
    synced = {folder_dbid(unit, folder) for unit in UNITS.values() for folder in WANTED}
    folders = {
        row[name.split("(")[1].rstrip(")").split(", ").index("folder_dbid")]
        for name, rows in tables.items()
        if "folder_dbid" in name
        for row in rows
    }
    assert folders
    assert not folders & synced


def test_a_long_value_of_an_annex_is_in_parts_of_255_characters() -> None:
    annexes = AnnexRows()
    annexes.add(3, 7, {"htcc": {"roles": "x" * 600}})
    assert [(row[0], row[3], row[7], len(str(row[5]))) for row in annexes.rows[1:]] == [
        (2, 1, 1, 255), (2, 1, 2, 255), (2, 1, 3, 90),
    ]  # fmt: skip
