"""A survey of a real PostgreSQL: the lab's contact centre with its mistakes, and what is not
recognised. Needs postgresql on this host."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict

import pytest

from engage.database import read_catalogue
from engage.errors import DatabaseError, NotRecognised
from engage.folders import Doubt
from engage.objects import DnType
from engage.results import Survey, Unknown
from engage.transactions import SECRET_KEYS
from lab import settings
from tests.unit.engage.config_db import ANNEX, ConfigDb, config_db
from tests.unit.lab.standins import postgres_programs

pytestmark = pytest.mark.skipif(postgres_programs() is None, reason="needs postgresql")
AGENTS = 120


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConfigDb]:
    with config_db(tmp_path_factory.mktemp("engage"), AGENTS) as found:
        yield found


@contextmanager
def changed(db: ConfigDb, statements: str, undo: str) -> Iterator[None]:
    db.sql(statements)
    try:
        yield
    finally:
        db.sql(undo)


def unknowns(found: Survey) -> set[tuple[str, str]]:
    return {(unknown.topic, unknown.why) for unknown in found.unknowns}


def test_every_planted_mistake_is_found_and_nothing_else(db: ConfigDb) -> None:
    found = db.survey()
    assert found.unknowns == []
    assert found.folders.is_recognised
    assert {(c.kind, c.field) for c in found.conflicts} == {
        ("person", "user name"), ("person", "employee id"), ("skill", "name"),
        ("agent group", "name"), ("dn", "number"),
    }  # fmt: skip
    assert len(found.conflicts) == 5
    links = Counter(group.link for group in found.groups)
    assert links.pop("linked") == 53
    assert links == {
        "no key": 2, "other case": 1, "by number": 1, "wrong type": 1, "disabled": 1,
        "no such dn": 1, "key in other case": 1,
    }  # fmt: skip
    # One of those who fit has roles of more than 255 characters: in two rows.
    assert found.supervisors == 13
    assert Counter(each.why for each in found.near_supervisors) == {
        "role in other case": 3, "another word": 1, "key in other case": 1, "not an agent": 1,
    }  # fmt: skip
    levels = found.skill_levels
    assert levels is not None
    assert (levels.least, levels.greatest, levels.allowed, levels.outside) == (1, 15, (0, 10), 2)
    assert found.transaction is not None
    assert found.transaction.found == "there"
    assert found.transaction.shared_with == ("Outsourcer",)


def test_what_the_filter_takes_is_counted_and_nothing_else(db: ConfigDb) -> None:
    service, synced = db.survey(), db.survey(("Retail", "Claims"))
    assert (service.persons, service.skills, service.agent_groups) == (AGENTS + 4, 42, 61)
    assert service.dns is not None
    assert service.dns[DnType.EXTENSION] == AGENTS + AGENTS // 4
    # What the lab's EXCS syncs of 40 objects, without its wrap-up codes.
    assert synced.estimate is not None
    assert synced.estimate.objects == 37
    assert synced.conflicts == []
    everything = db.survey(None)
    assert everything.persons == (service.persons or 0) + (synced.persons or 0) + 4
    assert not everything.folders.is_on


def test_a_folder_that_is_not_there_is_said_with_what_is_spelled_like_it(db: ConfigDb) -> None:
    missed = db.survey(("service", "Nowhere")).folders.missed
    assert [(each.name, each.in_other_case) for each in missed] == [
        ("service", ("Service",)), ("Nowhere", ()),
    ]  # fmt: skip


def test_another_tenant_has_its_own_objects_and_its_own_transaction(db: ConfigDb) -> None:
    found = db.survey(("Retail",), tenant="102")
    assert (found.persons, found.dns) == (20, dict.fromkeys((5, 4, 3, 22, 1), 0))
    assert found.transaction is not None
    assert found.transaction.also_of_types == (1,)
    assert {key.standing for key in found.transaction.keys} == {"as wanted", "missing", "optional"}
    assert db.survey(tenant="7").tenant is None


def test_no_secret_of_the_transaction_is_in_what_is_found(db: ConfigDb) -> None:
    secret = settings.OAUTH_CLIENT_SECRET
    wanted = {
        section: {key: secret if key in SECRET_KEYS else value for key, value in keys.items()}
        for section, keys in ANNEX.items()
    }
    found = db.survey(annex=wanted)
    assert secret not in json.dumps(asdict(found))
    assert found.transaction is not None
    states = {(k.section, k.key): k.standing for k in found.transaction.keys}
    assert states["config_sync", "client_secret"] == "as wanted"


def test_the_session_may_write_nothing_and_sees_no_password(db: ConfigDb) -> None:
    with db.session("postgres") as owner:
        with pytest.raises(DatabaseError, match="25006"):
            list(owner.rows("select 1; delete from cfg_person"))
        ((persons,),) = owner.rows("select count(*) from cfg_person")
        assert persons > AGENTS
        assert "password" not in read_catalogue(owner).tables["cfg_person"].columns


def test_a_statement_that_takes_too_long_is_ended_and_the_session_goes_on(db: ConfigDb) -> None:
    with db.session() as database:
        database._connection.run("set statement_timeout = 100")
        with pytest.raises(DatabaseError) as caught:
            list(database.rows("select pg_sleep(5)"))
        assert caught.value.kind == "timeout"
        assert [tuple(row) for row in database.rows("select 1")] == [(1,)]


def test_a_lock_of_the_owner_is_not_waited_for(db: ConfigDb) -> None:
    with db.session("postgres") as owner:
        owner._connection.run("rollback")
        owner._connection.run("begin")
        owner._connection.run("lock table cfg_skill in access exclusive mode")
        found = db.survey()
    assert unknowns(found) == {(topic, "timeout") for topic in ("totals", "folders", "skills")}
    assert (found.supervisors, found.skills, found.estimate) == (13, None, None)


def test_a_table_that_the_user_may_not_read_is_unknown_and_the_rest_is_told(db: ConfigDb) -> None:
    user = settings.DATABASE_USER
    take, give = (
        f"{word} select on cfg_skill_level {of} {user}"
        for word, of in (("revoke", "from"), ("grant", "to"))
    )
    with changed(db, take, give):
        found = db.survey()
    # What a user may not read isn't in the catalogue that it is shown.
    assert unknowns(found) == {("skill levels", "not recognised")}
    assert found.supervisors == 13


def test_columns_of_another_version_make_only_what_needs_them_unknown(db: ConfigDb) -> None:
    with changed(
        db,
        "alter table cfg_person rename is_agent to agent_flag;"
        " alter table cfg_transaction rename type to kind",
        "alter table cfg_person rename agent_flag to is_agent;"
        " alter table cfg_transaction rename kind to type",
    ):
        found = db.survey()
    assert found.unknowns == [
        Unknown("transaction", "not recognised", "cfg_transaction", ("type",)),
        Unknown("supervisors", "not recognised", "cfg_person", ("is_agent",)),
    ]
    assert (found.persons, found.supervisors, found.transaction) == (AGENTS + 4, None, None)


def test_one_person_in_no_folder_and_the_filter_is_not_applied(db: ConfigDb) -> None:
    with changed(
        db,
        "update cfg_person set folder_dbid = 9999 where user_name = 'boss'",
        "update cfg_person set folder_dbid = 307 where user_name = 'boss'",
    ):
        found = db.survey()
    assert found.folders.doubts == (Doubt("in no folder", "person", 1),)
    assert (found.persons or 0) > AGENTS + 4


def test_folders_in_a_table_of_memberships_are_recognised_too(db: ConfigDb) -> None:
    """No public source shows such a table: only that nothing contradicts it makes it one."""
    tables = {"cfg_person": 3, "cfg_skill": 13, "cfg_dn": 2, "cfg_group": 5}
    members = " union all ".join(
        f"select {kind} as object_type, dbid as object_dbid, folder_dbid from {table}"
        + (" where group_type = 5" if kind == 5 else "")
        for table, kind in tables.items()
    )
    hide = "; ".join(f"alter table {table} rename folder_dbid to hidden" for table in tables)
    show = "; ".join(f"alter table {table} rename hidden to folder_dbid" for table in tables)
    grant = f"grant select on cfg_members to {settings.DATABASE_USER}"
    with changed(
        db, f"create table cfg_members as {members}; {grant}; {hide}",
        f"drop table cfg_members; {show}",
    ):  # fmt: skip
        assert db.survey().persons == AGENTS + 4
        twice = "insert into cfg_members select * from cfg_members where object_type = 3 limit 2"
        db.sql(twice)
        assert db.survey().folders.doubts == (Doubt("in several folders", None, 2),)


def test_types_of_dns_that_the_database_calls_otherwise_are_told(db: ConfigDb) -> None:
    with changed(
        db,
        "update cfg_locale set lc_value = 'External' where lc_subtype = 5",
        "update cfg_locale set lc_value = 'Virtual Queue' where lc_subtype = 5",
    ):
        assert db.survey().strange_dn_types == {5: "External"}


def test_another_database_is_no_config_db(db: ConfigDb) -> None:
    with (
        changed(
            db,
            "alter table cfg_flex_prop rename to props",
            "alter table props rename to cfg_flex_prop",
        ),
        pytest.raises(NotRecognised),
    ):
        db.survey()


def test_a_wrong_password_and_a_wrong_database_are_told_apart(db: ConfigDb) -> None:
    for session, kind in (
        (db.session(password="wrong"), "refused"),
        (db.session(database="nothing"), "no such database"),
    ):
        with pytest.raises(DatabaseError) as caught, session:
            raise AssertionError
        assert caught.value.kind == kind
