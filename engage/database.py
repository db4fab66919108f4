"""One way to ask a Config DB, whatever the server: a statement in, rows as they come.

Each driver opens a session that reads only, ends a statement that takes too long, and waits for
nobody's lock. Nothing that an operator wrote gets into a statement.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from engage import catalogue
from engage.catalogue import Catalogue

STATEMENT_SECONDS = 60
"""Chosen: what takes longer is no reading of a catalogue of a hundred thousand persons."""
ROWS_AT_ONCE = 5000
APPLICATION = "exctl survey"
"""What the database's own lists of sessions show."""

Connect = Callable[[], socket.socket]
"""A socket whose other end is the database server."""


@dataclass(frozen=True)
class Login:
    """Whom the session is for; `ca_path` is a file of certificate authorities, for drivers that
    check the server's."""

    host: str
    port: int
    database: str
    user: str
    password: str
    tls: bool = False
    ca_path: str | None = None

    def __repr__(self) -> str:
        return f"Login({self.user}@{self.host}:{self.port}/{self.database})"


class Database(Protocol):
    """A session. `rows` raises DatabaseError, and may be used again afterwards unless the
    connection is lost."""

    catalogue_sql: str
    """Rows (schema, table, column) of all that the user may read."""
    own_schema_sql: str

    def rows(self, sql: str) -> Iterator[Any]: ...

    def quote(self, name: str) -> str: ...

    def close(self) -> None: ...


def read_catalogue(database: Database) -> Catalogue:
    """The Config DB's tables. Raises NotRecognised, DatabaseError."""
    own = [str(schema) for (schema,) in database.rows(database.own_schema_sql)]
    rows = database.rows(database.catalogue_sql)
    return catalogue.of_rows(((str(s), str(t), str(c)) for s, t, c in rows), own[0], database.quote)


def in_double_quotes(name: str) -> str:
    """An SQL identifier as PostgreSQL and Oracle quote it."""
    return '"' + name.replace('"', '""') + '"'
