"""The Config DB as EXCS reads it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg2

from .cloud import Transaction
from .settings import Settings

TABLES = {
    "skill": ("cfg_skill", "name", ""),
    "wrapup_code": ("cfg_business_attribute", "name", ""),
    "dn": ("cfg_dn", "number_", "type in (3, 4, 5, 22)"),
    "agent_group": ("cfg_group", "name", "group_type = 5"),
    "person": ("cfg_person", "user_name", ""),
}
"""Kind → table, the column of its name in Genesys Cloud, and which of the rows: of DNs those that
become queues, of groups those of agents."""
UNFILTERED = ("wrapup_code",)
"""The vendor filters four units by folder; business attributes aren't among them."""
CHECK_TIMEOUT_MS, READ_TIMEOUT_MS = 2_000, 10_000
TRANSACTION = "hybrid_integration"


@dataclass(frozen=True)
class ConfigObject:
    """One object of Engage; `hwm` is its place in the database's history."""

    kind: str
    dbid: int
    name: str
    hwm: int


class DatabaseReader:
    """The database, read-only; it may go and come back at any time."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._checked: Any = None
        self.address = f"{settings['CONFIG_DB_HOST']}:{settings['CONFIG_DB_PORT']}"

    def check(self) -> str:
        """The address, after a login and a question; the connection is kept for the next time."""
        try:
            if self._checked is None:
                self._checked = self._connect(CHECK_TIMEOUT_MS)
            with self._checked.cursor() as cursor:
                cursor.execute("select 1")
        except Exception:
            connection, self._checked = self._checked, None
            if connection is not None:
                connection.close()
            raise
        return self.address

    def transaction(self) -> Transaction:
        """The content of the tenant's `hybrid_integration`, section by section."""
        sql = (
            "select s.prop_name, o.prop_name, o.prop_value from cfg_transaction t"
            " join cfg_flex_prop s on s.object_type = 16 and s.object_dbid = t.dbid"
            " and coalesce(s.parent_dbid, 0) = 0"
            " join cfg_flex_prop o on o.parent_dbid = s.dbid"
            " where t.name = %(name)s and t.type = 21 and t.tenant_dbid = %(tenant)s"
            " order by o.dbid, o.part"
        )
        with self._reading() as cursor:
            cursor.execute(sql, {"name": TRANSACTION, "tenant": self._tenant()})
            found: dict[str, dict[str, str]] = {}
            for section, option, piece in cursor.fetchall():
                options = found.setdefault(section, {})
                options[option] = options.get(option, "") + (piece or "")
        if not found:
            raise LookupError(f"{self.address} has no transaction {TRANSACTION}")
        return found

    def _tenant(self) -> int:
        """The tenant's DBID; 0, which none has, where TENANT_ID is none."""
        text = self._settings["TENANT_ID"]
        return int(text) if text.isdecimal() else 0

    def fingerprint(self) -> tuple[int, ...]:
        """Differs whenever an object to sync was added, changed or removed."""
        sql = f"{self._wanted()} select count(*), coalesce(max(hwm), 0), coalesce(sum(hwm), 0)"
        with self._reading() as cursor:
            cursor.execute(f"{sql} from objects", self._folders())
            return tuple(int(value) for value in cursor.fetchone())

    def objects(self) -> list[ConfigObject]:
        """All objects that are to be synced, oldest change first."""
        with self._reading() as cursor:
            cursor.execute(
                f"{self._wanted()} select kind, dbid, name, hwm from objects order by hwm",
                self._folders(),
            )
            return [ConfigObject(*row) for row in cursor.fetchall()]

    def unknown_folders(self) -> list[str]:
        """Folders that the filter names and the database doesn't have."""
        if not self._settings.syncs_customer_folders_only:
            return []
        with self._reading() as cursor:
            cursor.execute("select name from cfg_folder")
            known = {name for (name,) in cursor.fetchall()}
        return [name for name in self._settings.customer_folders if name not in known]

    def _folders(self) -> dict[str, Any]:
        return {
            "all": not self._settings.syncs_customer_folders_only,
            "names": self._settings.customer_folders,
            "tenant": self._tenant(),
        }

    def _wanted(self) -> str:
        """The filter as SQL: `objects` of the named folders and all below them."""
        parts = []
        for kind, (table, column, which) in TABLES.items():
            part = f"select '{kind}' as kind, dbid, {column} as name, hwm from {table}"
            part += " where state = 1 and tenant_dbid = %(tenant)s"
            part += f" and {which}" if which else ""
            if kind not in UNFILTERED:
                part += " and folder_dbid in (select dbid from folders)"
            parts.append(part)
        return (
            "with recursive folders as (select dbid from cfg_folder"
            " where %(all)s or name = any(%(names)s)"
            " union select f.dbid from cfg_folder f join folders on f.parent_dbid = folders.dbid),"
            f" objects as ({' union all '.join(parts)})"
        )

    @contextmanager
    def _reading(self) -> Iterator[Any]:
        with closing(self._connect(READ_TIMEOUT_MS)) as connection, connection.cursor() as cursor:
            yield cursor

    def _connect(self, timeout_ms: int) -> Any:
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
                options=f"-c statement_timeout={timeout_ms}",
            )
        except psycopg2.OperationalError as error:
            raise ConnectionError(f"{self.address}: {_words(error)}") from None
        connection.set_session(readonly=True, autocommit=True)
        return connection


def _words(error: Exception) -> str:
    """libpq's last sentence: the ones before it say only where it tried."""
    text = " ".join(str(error).split())
    return text.rpartition("FATAL: ")[2] or text
