"""What each kind of server is asked: one select a statement, which the server's dialect has.

SQL Server and Oracle have never answered: a parser of their dialects stands in for them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import sqlglot
from sqlglot import expressions

from engage.database import read_catalogue
from engage.objects import UNITS, ObjectType
from engage.oracle import Oracle
from engage.postgresql import PostgreSql
from engage.reading import FolderMapping, Reader
from engage.sqlserver import SqlServer

COLUMNS = {
    "cfg_tenant": "dbid name state",
    "cfg_switch": "dbid tenant_dbid name",
    "cfg_person": "dbid tenant_dbid user_name employee_id is_agent state password folder_dbid",
    "cfg_skill": "dbid tenant_dbid name state folder_dbid",
    "cfg_dn": "dbid tenant_dbid switch_dbid type number_ name state folder_dbid",
    "cfg_group": "dbid tenant_dbid group_type name state folder_dbid",
    "cfg_agent_group": "group_dbid agent_dbid",
    "cfg_skill_level": "person_dbid skill_dbid level_",
    "cfg_flex_prop": "dbid object_dbid object_type parent_dbid prop_name prop_value part",
    "cfg_transaction": "dbid tenant_dbid name type state",
    "cfg_locale": "lc_type lc_subtype lc_value",
    "cfg_folder": "dbid name type owner_type owner_dbid parent_dbid",
    "cfg_members": "object_dbid object_type folder_dbid",
}
MAPPINGS = (FolderMapping("folder_dbid"), FolderMapping("folder_dbid", "cfg_members"), None)


class Recorder:
    """A database that writes down what it is asked, and has a catalogue but no rows."""

    def __init__(self, driver: Any, is_upper: bool) -> None:
        self.catalogue_sql, self.own_schema_sql = driver.catalogue_sql, driver.own_schema_sql
        self._driver, self._is_upper = driver, is_upper
        self.asked: list[str] = []

    def quote(self, name: str) -> str:
        return str(self._driver.quote(self, name))

    def rows(self, sql: str) -> Iterator[Any]:
        self.asked.append(sql)
        if sql == self.own_schema_sql:
            yield ("genesys",)
        elif sql == self.catalogue_sql:
            for table, columns in COLUMNS.items():
                for column in columns.split():
                    yield ("genesys", *map(str.upper if self._is_upper else str, (table, column)))
        elif "distinct" in sql:
            yield (5,)

    def close(self) -> None:
        """There is nothing to close."""


def everything(database: Recorder) -> list[str]:
    """Every question of the survey, in each way of folders."""
    reader = Reader(database, read_catalogue(database))
    reader.tenants(), reader.switches(), reader.folders(), reader.dn_type_names()
    for mapping in MAPPINGS:
        for kind in UNITS:
            reader.totals(kind)
        if mapping is not None:
            reader.folder_uses(mapping), reader.folder_uses(mapping, 1), reader.repeated(mapping)
        list(reader.persons(1, mapping)), list(reader.dns(1, mapping))
        list(reader.named("skill", 1, mapping)), list(reader.named("agent group", 1, mapping))
        list(reader.skill_levels(1, mapping))
    list(reader.options(ObjectType.PERSON, ["htcc"], ["roles"]))
    reader.transactions(), reader.annexes([1, 2])
    return database.asked


@pytest.mark.parametrize(
    ("driver", "dialect", "is_upper"),
    [(PostgreSql, "postgres", False), (SqlServer, "tsql", False), (Oracle, "oracle", True)],
)
def test_each_statement_is_one_select_and_names_no_password(
    driver: Any, dialect: str, is_upper: bool
) -> None:
    asked = everything(Recorder(driver, is_upper))
    assert len(set(asked)) > 40
    for statement in asked:
        (parsed,) = sqlglot.parse(statement, read=dialect)
        assert isinstance(parsed, expressions.Select), statement
        assert "password" not in statement.lower()
        # Other than as text of our own, nothing but names and numbers is in it.
        texts = {literal.this for literal in parsed.find_all(expressions.Literal)}
        words = {text for text in texts if not text.isdecimal()}
        assert words <= {"htcc", "roles", "hybrid_integration", "USERENV", "CURRENT_SCHEMA",
                         "cfg\\_%", "cfg[_]%", "\\"}  # fmt: skip
