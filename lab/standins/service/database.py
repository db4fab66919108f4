"""The Config DB as EXCS reads it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg2

from .settings import Settings

KINDS = {
    "person": ("cfg_person", "user_name"),
    "skill": ("cfg_skill", "name"),
    "dn": ("cfg_dn", "number"),
    "agent_group": ("cfg_agent_group", "name"),
}


@dataclass(frozen=True)
class ConfigObject:
    """One object of Engage; `hwm` is its place in the database's history."""

    kind: str
    dbid: int
    name: str
    hwm: int


class ConfigDb:
    """A connection for each question: the database may go and come back at any time."""

    def __init__(self, settings: Settings) -> None:
        if settings.get("CONFIG_DB_TYPE", "postgresql") != "postgresql":
            raise SystemExit("FATAL this stand-in reads PostgreSQL only (CONFIG_DB_TYPE)")
        self._settings = settings
        self.address = f"{settings['CONFIG_DB_HOST']}:{settings['CONFIG_DB_PORT']}"

    def check(self) -> str:
        self._query("select 1")
        return self.address

    def transaction(self) -> dict[str, str]:
        """The content of the tenant's `hybrid_integration`."""
        rows = self._query(
            "select key, value from cfg_transaction where name = 'hybrid_integration'"
        )
        if not rows:
            raise LookupError("the Config DB has no transaction hybrid_integration")
        return {str(key): str(value) for key, value in rows}

    def objects(self) -> list[ConfigObject]:
        """All objects that are to be synced, oldest change first."""
        found = []
        for kind, (table, column) in KINDS.items():
            sql = f"select dbid, {column}, hwm from {table} where folder_dbid in {self._folders()}"
            rows = self._query(sql, self._folder_names())
            found += [ConfigObject(kind, dbid, name, hwm) for dbid, name, hwm in rows]
        return sorted(found, key=lambda each: each.hwm)

    def _folder_names(self) -> tuple[list[str], ...]:
        if self._settings.get("SYNC_CUSTOMER_OBJECTS_ONLY", "false") != "true":
            return ()
        names = self._settings.get("SYNC_CUSTOMER_FOLDER_NAME").split(",")
        return ([name.strip() for name in names],)

    def _folders(self) -> str:
        """The folders to read, with those below them."""
        if not self._folder_names():
            return "(select dbid from cfg_folder)"
        return (
            "(with recursive wanted as (select dbid from cfg_folder where name = any(%s)"
            " union select f.dbid from cfg_folder f join wanted w on f.parent_dbid = w.dbid)"
            " select dbid from wanted)"
        )

    def _query(self, sql: str, parameters: tuple[Any, ...] = ()) -> list[Any]:
        settings = self._settings
        try:
            connection = psycopg2.connect(
                host=settings["CONFIG_DB_HOST"],
                port=int(settings["CONFIG_DB_PORT"]),
                user=settings["CONFIG_DB_USER"],
                password=settings["CONFIG_DB_PASSWORD"],
                dbname=settings["CONFIG_DB_NAME"],
                sslmode="require" if settings.get("CONFIG_DB_SSL") == "true" else "disable",
                connect_timeout=2,
            )
        except psycopg2.OperationalError as error:
            raise ConnectionError(f"{self.address}: {_words(error)}") from None
        try:
            with connection, connection.cursor() as cursor:
                cursor.execute(sql, parameters)
                return list(cursor.fetchall())
        finally:
            connection.close()


def _words(error: Exception) -> str:
    return " ".join(str(error).replace("FATAL:", "").split())
