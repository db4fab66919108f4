"""A small Engage-like Config DB: folders, persons, skills, DNs, agent groups, one transaction."""

from __future__ import annotations

from collections.abc import Iterator

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
create table cfg_transaction (name text not null, key text not null, value text not null);
"""
FOLDERS = (
    (1, None, "Customer"),
    (2, 1, "Retail"),
    (3, 2, "Retail North"),
    (4, 1, "Claims"),
    (5, 1, "Archive"),
)
WANTED = (2, 3, 4)
"""The folders that the lab's stack syncs, with the one below: Retail, Retail North, Claims."""
ARCHIVE, ARCHIVED_EVERY = 5, 10
"""One object in ten more is in a folder that the stack's filter leaves out."""
KINDS = (
    ("cfg_dn", "number", "VQ-{n}"),
    ("cfg_skill", "name", "skill-{n}"),
    ("cfg_agent_group", "name", "group-{n}"),
    ("cfg_person", "user_name", "agent{n}"),
)
QUEUE_DBIDS = (1, 2, 3)
"""Queues (DNs) that are in every data set: SIP Server's calls come to these."""


def rows(objects: int) -> Iterator[tuple[str, str, int, int, str]]:
    """Table, column, dbid, folder and name: of so many objects to sync, and some that are not.

    The queues come first, a tenth of the rest are skills and groups, the others persons.
    """
    for number in range(1, objects + 1):
        if number <= len(QUEUE_DBIDS):
            table, column, name = KINDS[0]
        else:
            table, column, name = KINDS[(number % 10) if number % 10 in (1, 2) else 3]
        yield table, column, number, WANTED[number % len(WANTED)], name.format(n=number)
    for number in range(objects + 1, objects + 1 + objects // ARCHIVED_EVERY):
        table, column, name = KINDS[3]
        yield table, column, number, ARCHIVE, name.format(n=number)


def seed_sql(objects: int, cloud_url: str) -> str:
    """The statements that make the database with so many objects to sync."""
    statements = [SCHEMA]
    for dbid, parent, folder in FOLDERS:
        statements.append(
            f"insert into cfg_folder values ({dbid}, {parent or 'null'}, {_quoted(folder)});"
        )
    for table, column, dbid, folder_dbid, name in rows(objects):
        statements.append(
            f"insert into {table} (dbid, folder_dbid, {column}, hwm)"
            f" values ({dbid}, {folder_dbid}, {_quoted(name)}, {dbid});"
        )
    transaction = {
        "url": cloud_url,
        "client_id": settings.OAUTH_CLIENT_ID,
        "client_secret": settings.OAUTH_CLIENT_SECRET,
    }
    for key, value in transaction.items():
        statements.append(
            f"insert into cfg_transaction values ('hybrid_integration', '{key}', {_quoted(value)});"
        )
    user, password = settings.DATABASE_USER, settings.DATABASE_PASSWORD
    statements.append(f"create role {user} login password {_quoted(password)};")
    statements.append(f"grant select on all tables in schema public to {user};")
    return "\n".join(["begin;", *statements, "commit;"])


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
