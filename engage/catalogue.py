"""Which of the Config DB's tables and columns are there: nothing else is ever asked for. Pure.

The schema isn't documented for customers, and versions differ: what a check needs and the database
doesn't have makes the check's answer unknown. A column that holds passwords is no column here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from engage.errors import NotRecognised

PREFIX = "cfg_"
HEART = ("cfg_person", "cfg_flex_prop")
"""The tables by which a schema is known to be a Config DB's."""
Quote = Callable[[str], str]


@dataclass(frozen=True)
class Table:
    """A table as statements name it, and its columns: lower-case name → as statements name it."""

    name: str
    place: str
    columns: Mapping[str, str]

    def __contains__(self, column: str) -> bool:
        return column in self.columns

    def first_of(self, *columns: str) -> str | None:
        """The first of these columns that it has."""
        return next((column for column in columns if column in self.columns), None)


@dataclass(frozen=True)
class Alias:
    """A table under a short name in one statement: `p["dbid"]` is `p."dbid"`."""

    table: Table
    short: str

    def __getitem__(self, column: str) -> str:
        return f"{self.short}.{self.table.columns[column]}"

    def __str__(self) -> str:
        return f"{self.table.place} {self.short}"

    def or_null(self, column: str) -> str:
        """The column, or `null` where the table hasn't got it."""
        return self[column] if column in self.table else "null"


@dataclass(frozen=True)
class Catalogue:
    """The tables of one schema, by lower-case name."""

    schema: str
    tables: Mapping[str, Table]

    def __contains__(self, table: str) -> bool:
        return table in self.tables

    def alias(self, table: str, short: str, *columns: str) -> Alias:
        """The table for a statement. Raises NotRecognised if it, or a column of these, isn't
        there."""
        if table not in self.tables:
            raise NotRecognised(table)
        missing = [column for column in columns if column not in self.tables[table]]
        if missing:
            raise NotRecognised(table, tuple(missing))
        return Alias(self.tables[table], short)


def of_rows(rows: Iterable[tuple[str, str, str]], own_schema: str, quote: Quote) -> Catalogue:
    """The Config DB's schema out of rows (schema, table, column): the only one that has its
    tables, or of several the session's own. Raises NotRecognised where there is none."""
    found: dict[str, dict[str, dict[str, str]]] = defaultdict(lambda: defaultdict(dict))
    names: dict[tuple[str, str], str] = {}
    for schema, table, column in rows:
        if table.lower().startswith(PREFIX) and "password" not in column.lower():
            found[schema][table.lower()][column.lower()] = quote(column)
            names[schema, table.lower()] = table
    schemas = [schema for schema, tables in found.items() if tables.keys() >= set(HEART)]
    if len(schemas) > 1 and own_schema in schemas:
        schemas = [own_schema]
    if len(schemas) != 1:
        raise NotRecognised(" and ".join(HEART), schemas=tuple(sorted(schemas)))
    (schema,) = schemas
    return Catalogue(
        schema,
        {
            name: Table(name, f"{quote(schema)}.{quote(names[schema, name])}", columns)
            for name, columns in found[schema].items()
        },
    )
