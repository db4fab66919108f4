"""Proves what the lab's Config DB holds. That EXCS can read it is proved in test_services."""

from __future__ import annotations

from collections import Counter

from lab import settings
from lab.standins.configdb import ARCHIVE, QUEUE_DBIDS, WANTED, rows, seed_sql, transaction

URL = "https://10.77.0.30"


def test_the_same_number_of_objects_gives_the_same_database() -> None:
    assert seed_sql(100, URL) == seed_sql(100, URL)
    assert seed_sql(100, URL) != seed_sql(101, URL)


def test_so_many_objects_are_in_the_folders_of_the_labs_stack_and_some_are_not() -> None:
    found = list(rows(100))
    assert sum(row.folder_dbid in WANTED for row in found) == 100
    assert sum(row.folder_dbid == ARCHIVE for row in found) == 10
    assert [row.dbid for row in found] == list(range(1, 111))


def test_every_kind_of_object_is_there() -> None:
    tables = Counter(row.table for row in rows(100))
    assert tables["cfg_dn"] == len(QUEUE_DBIDS)
    assert tables["cfg_person"] > 50
    for table in ("cfg_skill", "cfg_agent_group", "cfg_business_attribute"):
        assert tables[table] >= 9


def test_the_transaction_has_the_sections_of_the_vendors_annex() -> None:
    annex = transaction(URL)
    assert annex["general"]["organization_id"] == settings.ORG_ID
    assert annex["general"]["base_service_url"] == URL
    for section in ("config_sync", "agent_state_sync", "conversation_provider"):
        assert annex[section]["client_id"] == settings.OAUTH_CLIENT_ID
