"""A Config DB in Microsoft SQL Server, by python-tds. Never run against a real server by us."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from engage.database import APPLICATION, ROWS_AT_ONCE, STATEMENT_SECONDS, Connect, Login
from engage.errors import DatabaseError, Kind

_CODES: dict[int, Kind] = {
    18456: "refused",
    4060: "no such database",
    229: "denied",
    230: "denied",
    1222: "timeout",
}
"""Source: SQL Server's "Database Engine errors". 1222 is LOCK_TIMEOUT's."""


LOGIN_SECONDS = 10
"""Chosen: python-tds goes on trying for so long, over a connection that is gone already."""


class SqlServer:
    """A session that reads what is there, whoever is writing, and takes no locks for it."""

    catalogue_sql = (
        "select table_schema, table_name, column_name from information_schema.columns"
        " where table_name like 'cfg[_]%'"
    )
    own_schema_sql = "select schema_name()"

    def __init__(
        self, connect: Connect, login: Login, login_seconds: float = LOGIN_SECONDS
    ) -> None:
        import certifi
        import pytds

        try:
            self._connection = pytds.connect(
                login.host,
                login.database,
                login.user,
                login.password,
                port=login.port,
                sock=connect(),
                timeout=STATEMENT_SECONDS,
                login_timeout=login_seconds,
                appname=APPLICATION,
                autocommit=True,
                readonly=True,
                cafile=(login.ca_path or certifi.where()) if login.tls else None,
                disable_connect_retry=True,
            )
            self._run("set transaction isolation level read uncommitted")
            self._run("set lock_timeout 1000")
        except Exception as error:  # noqa: BLE001  (what isn't a database at all ends in any error)
            raise _explained(error) from None

    def quote(self, name: str) -> str:
        return "[" + name.replace("]", "]]") + "]"

    def rows(self, sql: str) -> Iterator[Any]:
        try:
            with contextlib.closing(self._connection.cursor()) as cursor:
                cursor.execute(sql)
                while found := cursor.fetchmany(ROWS_AT_ONCE):
                    yield from found
        except Exception as error:  # noqa: BLE001  (a connection that breaks ends in any error)
            raise _explained(error) from None

    def close(self) -> None:
        with contextlib.suppress(Exception):
            self._connection.close()

    def _run(self, statement: str) -> None:
        with contextlib.closing(self._connection.cursor()) as cursor:
            cursor.execute(statement)


def _explained(error: Exception) -> DatabaseError:
    import pytds

    number = getattr(error, "number", None) or getattr(error, "msg_no", None)
    if isinstance(number, int) and number:
        return DatabaseError(_CODES.get(number, "failed"), str(number))
    if isinstance(error.__cause__, ConnectionError):
        return DatabaseError("lost")
    if isinstance(error, TimeoutError):
        return DatabaseError("timeout")
    if isinstance(error, pytds.tds_base.LoginError):
        return DatabaseError("refused")
    return DatabaseError("lost")
