"""A small Engage-like Config DB: folders, persons, skills, DNs, agent groups, one transaction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from lab import settings

SCHEMA = """
create table cfg_folder (dbid integer primary key, parent_dbid integer, name text not null);
create table cfg_person (dbid integer primary key, folder_dbid integer not null,
  user_name text not null, hwm integer not null);
create table cfg_skill (dbid integer primary key, folder_dbid integer not null,
  name text not null, hwm integer not null);
create table cfg_dn (dbid integer primary key, folder_dbid integer not null,
  number text not null, hwm integer not null);
create table cfg_agent_group (dbid integer primary key, folder_dbid integer not null,
  name text not null, hwm integer not null);
create table cfg_business_attribute (dbid integer primary key, folder_dbid integer not null,
  name text not null, hwm integer not null);
create table cfg_transaction (name text not null, section text not null, option text not null,
  value text not null, primary key (name, section, option));
"""
FOLDERS = (
    (1, None, "Customer"),
    (2, 1, "Retail"),
    (3, 2, "Retail North"),
    (4, 1, "Claims"),
    (5, 4, "Claims Motor"),
    (6, 1, "Archive"),
)
WANTED = (2, 3, 4, 5)
"""The folders that the lab's stack syncs: Retail and Claims, and the one below each."""
ARCHIVE, ARCHIVED_EVERY = 6, 10
"""One object in ten more is in a folder that the stack's filter leaves out."""
QUEUE_DBIDS = (1, 2, 3)
"""Queues (DNs) that are in every data set: SIP Server's calls come to these."""
DN = ("cfg_dn", "number", "VQ-{n}")
PERSON = ("cfg_person", "user_name", "agent{n}")
OTHERS = {
    1: ("cfg_skill", "name", "skill-{n}"),
    2: ("cfg_agent_group", "name", "group-{n}"),
    3: ("cfg_business_attribute", "name", "wrap-up-{n}"),
}
"""By the last digit of their number; all others are persons."""


class HistoryRow(NamedTuple):
    """One object of the Config DB; its place in the history (HWM) is its number."""

    table: str
    column: str
    dbid: int
    folder_dbid: int
    name: str


def rows(objects: int) -> Iterator[HistoryRow]:
    """So many objects to sync, queues first, and a tenth as many persons that are not to be."""
    for number in range(1, objects + 1):
        if number <= len(QUEUE_DBIDS):
            table, column, name = DN
        else:
            table, column, name = OTHERS.get(number % 10, PERSON)
        folder = WANTED[number % len(WANTED)]
        yield HistoryRow(table, column, number, folder, name.format(n=number))
    table, column, name = PERSON
    for number in range(objects + 1, objects + 1 + objects // ARCHIVED_EVERY):
        yield HistoryRow(table, column, number, ARCHIVE, name.format(n=number))


def seed_sql(objects: int, cloud_url: str) -> str:
    """The statements that make the database with so many objects to sync, and its reader."""
    statements = [SCHEMA, _insert("cfg_folder", FOLDERS)]
    tables: dict[str, list[tuple[object, ...]]] = defaultdict(list)
    for row in rows(objects):
        tables[f"{row.table} (dbid, folder_dbid, {row.column}, hwm)"].append(
            (row.dbid, row.folder_dbid, row.name, row.dbid)
        )
    statements += [_insert(table, values) for table, values in tables.items()]
    annex = [
        ("hybrid_integration", section, option, value)
        for section, options in transaction(cloud_url).items()
        for option, value in options.items()
    ]
    statements.append(_insert("cfg_transaction", annex))
    user, password = settings.DATABASE_USER, settings.DATABASE_PASSWORD
    statements.append(f"create role {user} login password {_value(password)};")
    statements.append(f"alter role {user} set default_transaction_read_only = on;")
    statements.append(f"grant select on all tables in schema public to {user};")
    return "\n".join(["begin;", *statements, "commit;"])


def transaction(cloud_url: str) -> dict[str, dict[str, str]]:
    """The annex of `hybrid_integration`. Source: vendor's deployment page, "Transaction Object"."""
    client = {
        "client_id": settings.OAUTH_CLIENT_ID,
        "client_secret": settings.OAUTH_CLIENT_SECRET,
    }
    return {
        "general": {
            "organization_sname": "exec-lab",
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
