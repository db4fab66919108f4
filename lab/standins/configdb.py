"""A Config DB in the shape of Engage's: what EXCS syncs, and a contact centre around it.

Tables and columns are those that public sources show. The lab's own, since nothing public shows the
real ones: `cfg_folder`, `folder_dbid` and `hwm` of each object, the columns of `cfg_transaction`,
`cfg_business_attribute`, and the values of `group_type`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from lab import settings
from lab.standins import contact_centre
from lab.standins.contact_centre import (
    AGENT_GROUP,
    DN_TYPES,
    TRANSACTION,
    AnnexRows,
    Tables,
    folder_dbid,
)

SCHEMA = """
create table cfg_tenant (dbid integer primary key, name varchar(255) not null,
  is_serv_provider integer default 1, is_super_tenant integer default 1,
  parent_tenant_dbid integer, state integer default 1);
create table cfg_switch (dbid integer primary key, tenant_dbid integer not null,
  phys_switch_dbid integer, type integer, name varchar(255) not null, link_type integer,
  state integer default 1);
create table cfg_folder (dbid integer primary key, name varchar(255) not null,
  type integer not null, owner_type integer, owner_dbid integer, parent_dbid integer,
  folder_class integer default 1, state integer default 1);
create table cfg_person (dbid integer primary key, tenant_dbid integer default 1,
  user_name varchar(255) not null, employee_id varchar(64), first_name varchar(64),
  last_name varchar(64), password varchar(255), is_agent integer default 2,
  is_admin integer default 1, state integer default 1, place_dbid integer,
  folder_dbid integer not null, hwm integer not null);
create table cfg_skill (dbid integer primary key, tenant_dbid integer default 1,
  name varchar(255) not null, state integer default 1,
  folder_dbid integer not null, hwm integer not null);
create table cfg_skill_level (person_dbid integer, skill_dbid integer, level_ integer,
  primary key (person_dbid, skill_dbid));
create table cfg_dn (dbid integer primary key, switch_dbid integer default 1,
  tenant_dbid integer default 1, type integer not null, number_ varchar(255) not null,
  name varchar(255), login_flag integer, register_all integer, state integer default 1,
  folder_dbid integer not null, hwm integer not null);
create table cfg_group (dbid integer primary key, group_type integer not null,
  tenant_dbid integer default 1, name varchar(255) not null, state integer default 1,
  folder_dbid integer not null, hwm integer not null);
create table cfg_agent_group (group_dbid integer, agent_dbid integer,
  primary key (group_dbid, agent_dbid));
create table cfg_business_attribute (dbid integer primary key, tenant_dbid integer default 1,
  name varchar(255) not null, state integer default 1, hwm integer not null);
create table cfg_transaction (dbid integer primary key, tenant_dbid integer not null,
  name varchar(255) not null, type integer not null, state integer default 1);
create table cfg_flex_prop (dbid integer, object_dbid integer, object_type integer,
  parent_dbid integer, prop_name varchar(255), prop_value varchar(255), prop_type integer,
  part integer, primary key (dbid, part));
create index on cfg_flex_prop (object_type, object_dbid);
create table cfg_locale (lcid integer, lc_class integer, lc_type integer, lc_subtype integer,
  lc_value varchar(255));
"""
WANTED = (2, 3, 4, 5)
"""The folders that the lab's stack syncs, in each unit: Retail and Claims, and the one below
each."""
ARCHIVE, ARCHIVED_EVERY = 6, 10
"""One object in ten more is in a folder that the stack's filter leaves out."""
QUEUE_DBIDS = (1, 2, 3)
"""Queues (DNs) that are in every data set: SIP Server's calls come to these."""
DN = ("cfg_dn", "VQ-{n}")
PERSON = ("cfg_person", "agent{n}")
OTHERS = {
    1: ("cfg_skill", "skill-{n}"),
    2: ("cfg_group", "group-{n}"),
    3: ("cfg_business_attribute", "wrap-up-{n}"),
}
"""By the last digit of their number; all others are persons."""
UNITS = {"cfg_person": 3, "cfg_skill": 13, "cfg_dn": 2, "cfg_group": 5}
"""The object type whose folders a table's objects are in."""
OBJECT_COLUMNS = {
    "cfg_person": "dbid, user_name, employee_id, password, folder_dbid, hwm",
    "cfg_skill": "dbid, name, folder_dbid, hwm",
    "cfg_dn": "dbid, name, number_, type, folder_dbid, hwm",
    "cfg_group": "dbid, name, group_type, folder_dbid, hwm",
    "cfg_business_attribute": "dbid, name, hwm",
}
NOT_FOR_READERS = ("password",)


class HistoryRow(NamedTuple):
    """One object of the Config DB; its place in the history (HWM) is its number."""

    table: str
    dbid: int
    folder: int
    name: str


def rows(objects: int) -> Iterator[HistoryRow]:
    """So many objects to sync, queues first, and a tenth as many persons that are not to be."""
    for number in range(1, objects + 1):
        if number <= len(QUEUE_DBIDS):
            table, name = DN
        else:
            table, name = OTHERS.get(number % 10, PERSON)
        yield HistoryRow(table, number, WANTED[number % len(WANTED)], name.format(n=number))
    table, name = PERSON
    for number in range(objects + 1, objects + 1 + objects // ARCHIVED_EVERY):
        yield HistoryRow(table, number, ARCHIVE, name.format(n=number))


def seed_sql(objects: int, cloud_url: str, agents: int = contact_centre.AGENTS) -> str:
    """The statements that make the database with so many objects to sync, its contact centre with
    so many agents (outside the folders that are synced), and its reader."""
    annexes = AnnexRows()
    tables: Tables = defaultdict(list)
    for row in rows(objects):
        tables[f"{row.table} ({OBJECT_COLUMNS[row.table]})"].append(_object(row))
    tables["cfg_transaction (dbid, tenant_dbid, name, type)"].append(
        (1, int(settings.TENANT_ID), "hybrid_integration", TRANSACTION["list"])
    )
    annexes.add(TRANSACTION["object"], 1, transaction(cloud_url))
    contact_centre.add(tables, annexes, agents, settings.ORG_ID)
    tables["cfg_flex_prop"] = annexes.rows
    statements = [SCHEMA, *(_insert(table, values) for table, values in tables.items())]
    statements += _reader(settings.DATABASE_USER, settings.DATABASE_PASSWORD)
    return "\n".join(["begin;", *statements, "commit;"])


def _object(row: HistoryRow) -> tuple[object, ...]:
    """The values of OBJECT_COLUMNS."""
    place = (folder_dbid(UNITS[row.table], row.folder), row.dbid) if row.table in UNITS else ()
    match row.table:
        case "cfg_person":
            return row.dbid, row.name, f"A{row.dbid}", "not-for-readers", *place
        case "cfg_dn":
            return row.dbid, row.name, row.name, DN_TYPES["Virtual Queue"], *place
        case "cfg_group":
            return row.dbid, row.name, AGENT_GROUP, *place
        case "cfg_business_attribute":
            return row.dbid, row.name, row.dbid
    return row.dbid, row.name, *place


def _reader(user: str, password: str) -> Iterator[str]:
    """A role that may read everything but passwords, as a careful site grants it."""
    yield f"create role {user} login password {_value(password)};"
    yield f"alter role {user} set default_transaction_read_only = on;"
    yield f"grant select on all tables in schema public to {user};"
    yield f"revoke select on cfg_person from {user};"
    yield f"""do $$ begin execute (select 'grant select ('
      || string_agg(quote_ident(column_name), ', ') || ') on cfg_person to {user}'
      from information_schema.columns where table_name = 'cfg_person'
      and column_name not in ({", ".join(map(_value, NOT_FOR_READERS))})); end $$;"""


def transaction(cloud_url: str) -> dict[str, dict[str, str]]:
    """The annex of `hybrid_integration`. Source: vendor's deployment page, "Transaction Object"."""
    client = {
        "client_id": settings.OAUTH_CLIENT_ID,
        "client_secret": settings.OAUTH_CLIENT_SECRET,
    }
    return {
        "general": {
            "organization_sname": settings.ORG_SHORT_NAME,
            "organization_id": settings.ORG_ID,
            "base_service_url": cloud_url,
            "base_auth_url": cloud_url,
            "region": cloud_url,
        },
        "config_sync": {**client, "skill_level_max_value": "10", "skill_level_min_value": "0"},
        "agent_state_sync": dict(client),
        "conversation_provider": {**client, "password": settings.OAUTH_CLIENT_SECRET},
    }


def _insert(table: str, values: Sequence[tuple[object, ...]]) -> str:
    lines = ",\n".join(f"({', '.join(map(_value, each))})" for each in values)
    return f"insert into {table} values\n{lines};"


def _value(value: object) -> str:
    if value is None:
        return "null"
    return str(value) if isinstance(value, int) else "'" + str(value).replace("'", "''") + "'"
