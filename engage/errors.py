"""What can go wrong with a Config DB, as data."""

from __future__ import annotations

from typing import Literal

Kind = Literal["denied", "timeout", "lost", "refused", "no such database", "no tls", "failed"]


class DatabaseError(Exception):
    """A connection or a statement failed. `kind` says how; `code` is the server's own code for it.

    The server's words may quote what it was sent: they aren't taken over.
    """

    def __init__(self, kind: Kind, code: str = "") -> None:
        super().__init__(f"{kind} {code}".strip())
        self.kind = kind
        self.code = code


class NotRecognised(Exception):
    """The database hasn't got what a question needs: a table, or these columns of it; or there are
    several `schemas` that could be the Config DB."""

    def __init__(
        self, table: str, columns: tuple[str, ...] = (), schemas: tuple[str, ...] = ()
    ) -> None:
        super().__init__(table, *columns)
        self.table = table
        self.columns = columns
        self.schemas = schemas
