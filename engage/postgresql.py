"""A Config DB in PostgreSQL, by pg8000."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from itertools import count
from typing import Any

from engage.database import APPLICATION, ROWS_AT_ONCE, STATEMENT_SECONDS, Connect, Login
from engage.database import in_double_quotes as quoted
from engage.errors import DatabaseError, Kind
from health.preflight.tunnel import trusting_anybody

_CODES: dict[str, Kind] = {
    "42501": "denied",
    "57014": "timeout",
    "55P03": "timeout",
    "28P01": "refused",
    "28000": "refused",
    "3D000": "no such database",
}
"""Source: PostgreSQL's appendix "Error Codes"."""
_SETTINGS = (
    f"set statement_timeout = {STATEMENT_SECONDS * 1000}",
    "set lock_timeout = 1000",
    "set cursor_tuple_fraction = 1",
)


class PostgreSql:
    """One transaction that reads only, so that all its answers are of one moment."""

    catalogue_sql = (
        "select table_schema, table_name, column_name from information_schema.columns"
        " where lower(table_name) like 'cfg\\_%'"
    )
    own_schema_sql = "select current_schema()"

    def __init__(self, connect: Connect, login: Login) -> None:
        from pg8000.native import Connection  # it takes a while to load

        try:
            self._connection = Connection(
                login.user,
                password=login.password,
                database=login.database,
                host=login.host,
                sock=connect(),
                ssl_context=trusting_anybody() if login.tls else False,
                application_name=APPLICATION,
            )
        except Exception as error:  # noqa: BLE001  (what isn't a database at all ends in any error)
            raise _explained(error) from None
        self._numbers = count(1)
        self._begin()

    def quote(self, name: str) -> str:
        return quoted(name)

    def rows(self, sql: str) -> Iterator[Any]:
        """By a cursor on the server: pg8000 would hold all the rows at once."""
        cursor = f"survey_{next(self._numbers)}"
        try:
            self._connection.run(f"declare {cursor} no scroll cursor for {sql}")
            while found := self._connection.run(f"fetch {ROWS_AT_ONCE} from {cursor}"):
                yield from found
            self._connection.run(f"close {cursor}")
        except Exception as error:  # noqa: BLE001  (a connection that breaks ends in any error)
            explained = _explained(error)
            if explained.kind != "lost":
                self._connection.run("rollback")
                self._begin()
            raise explained from None

    def close(self) -> None:
        with contextlib.suppress(Exception):
            self._connection.close()

    def _begin(self) -> None:
        for setting in _SETTINGS:
            self._connection.run(setting)
        self._connection.run("begin isolation level repeatable read, read only")


def _explained(error: BaseException) -> DatabaseError:
    """The error by its code. pg8000 closes the connection after a refusal, and where that fails as
    well its complaint stands before the reason."""
    cause: BaseException | None = error
    while cause is not None:
        for words in cause.args[:1]:
            if isinstance(words, dict) and "C" in words:
                return DatabaseError(_CODES.get(words["C"], "failed"), str(words["C"]))
            if "Server refuses SSL" in str(words):
                return DatabaseError("no tls")
        cause = cause.__cause__ or cause.__context__
    return DatabaseError("lost")
