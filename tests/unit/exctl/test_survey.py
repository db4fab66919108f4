"""A survey in an operator's words: which points it comes to, as text, Markdown, HTML and JSON."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from dataclasses import replace

import pytest

from engage.conflicts import Conflict, Spelling
from engage.estimate import estimated
from engage.folders import Doubt, Match
from engage.groups import GroupLink
from engage.objects import Tenant
from engage.reading import Total
from engage.results import FolderFacts, Missed, SkillLevels, Survey, Unknown, Wanted
from engage.supervisors import NearSupervisor
from engage.transactions import KeyState, TransactionFacts
from exctl.engage import connection, page, points
from exctl.engage.look import next_step
from exctl.engage.page import Taken
from exctl.errors import ExctlError, NothingTouched
from exctl.report import markup
from tests.unit.exctl.sites import make_site

WANTED = Wanted("1", "org-1", ("Retail",), 5400.0, {})
SITE = make_site()


def found(**changes: object) -> Survey:
    """A survey without a fault, and these changes."""
    survey = Survey(
        "public",
        Tenant(1, "Resources", 1),
        tenants=[Tenant(1, "Resources", 1)],
        folders=FolderFacts(True, True, (), (Match("Retail", "person", "Persons/Retail", "", 9),)),
        dns={5: 3, 4: 3, 3: 0, 22: 0, 1: 9},
        persons=9,
        supervisors=1,
        transaction=TransactionFacts("there", 1, 21),
        estimate=estimated(9, 20, 5400.0),
        totals=[Total("person", None, 1, None, 1, 9)],
    )
    return replace(survey, **changes)  # type: ignore[arg-type]  # fields of it, by name


def taken(survey: Survey, wanted: Wanted = WANTED) -> Taken:
    of = points.of(survey, wanted)
    return Taken("prod", "2026-11-26 08:00 UTC", "engage at db", wanted, survey, of)


def cases() -> Iterator[tuple[dict[str, object], str, str, str]]:
    """What is found, and the point that it comes to: level, code, words."""
    spellings = (Spelling("Ann", 1, 1), Spelling("ANN", 2, 1))
    yield (
        {"conflicts": [Conflict("dn", "name", "SIP_East", spellings)]},
        "problem", "name-conflict", "1 DN name in spellings that differ only by case",
    )  # fmt: skip
    yield (
        {"tenant": None}, "problem", "tenant-not-found", "no tenant with the DBID 1; it has: 1 Res",
    )  # fmt: skip
    yield (
        {"folders": FolderFacts(False, True)}, "warning", "folder-filter-off", "is billed",
    )  # fmt: skip
    yield (
        {"folders": FolderFacts(True, True, missed=(Missed("retail", ("Retail",)),))},
        "problem", "folder-not-found", "no folder is called retail",
    )  # fmt: skip
    yield (
        {"folders": FolderFacts(True, False, (Doubt("in no folder", "person", 2),))},
        "unknown", "folder-mapping-not-recognised", "2 enabled persons in no folder",
    )  # fmt: skip
    for how, words in (
        ("missing", "has no transaction"), ("wrong type", "type 3, not List"),
        ("disabled", "is disabled"), ("several", "several"), ("name in other case", "by case"),
    ):  # fmt: skip
        facts = TransactionFacts(how, 1, 3)  # type: ignore[arg-type]  # a Found
        yield {"transaction": facts}, "problem", f"transaction-{how.replace(' ', '-')}", words
    keys = (
        KeyState("general", "region", "missing"),
        KeyState("config_sync", "client_id", "missing"),
    )
    yield (
        {"transaction": TransactionFacts("there", 1, 21, keys=keys)},
        "problem", "transaction-keys-missing", "has no general/region, config_sync/client_id",
    )  # fmt: skip
    secret = KeyState("config_sync", "client_secret", "differs", "")
    yield (
        {"transaction": TransactionFacts("there", 1, 21, keys=(secret,))},
        "problem", "transaction-key", "config_sync/client_secret isn't the stack's secret",
    )  # fmt: skip
    yield (
        {"transaction": TransactionFacts("there", 1, 21, shared_with=("B",))},
        "problem", "organization-shared", "the tenant B has a transaction that names",
    )  # fmt: skip
    for link, level in (
        ("no such dn", "problem"), ("wrong type", "problem"), ("disabled", "problem"),
        ("not selected", "problem"), ("other case", "warning"), ("by number", "warning"),
        ("no key", "warning"), ("key in other case", "warning"),
    ):  # fmt: skip
        group = GroupLink(1, "Gold", False, link)  # type: ignore[arg-type]  # a Link
        yield {"groups": [group]}, level, f"group-{link.replace(' ', '-')}", "1 agent group w"
    near = [NearSupervisor(1, "ann", "not an agent", "Supervisor")]
    yield {"near_supervisors": near}, "warning", "supervisor-not-an-agent", "1 person with the role"
    yield (
        {"skill_levels": SkillLevels(0, 20, (0, 10), 4)},
        "warning", "skill-levels-outside", "4 skill levels outside 0 to 10",
    )  # fmt: skip
    yield (
        {"skill_levels": SkillLevels(0, 20, None, 0)},
        "unknown", "skill-levels-not-compared", "names no range",
    )  # fmt: skip
    yield (
        {"estimate": estimated(9000, 9000, 5400.0)},
        "warning", "deadline-short", "the sync gate gives up after 90 minutes",
    )  # fmt: skip
    yield (
        {"unknowns": [Unknown("skills", "denied", code="42501")]},
        "unknown", "not-read-skills", "the user may not (code 42501)",
    )  # fmt: skip
    yield (
        {"unknowns": [Unknown("transaction", "not recognised", "cfg_transaction", ("type",))]},
        "unknown", "not-read-transaction", "no table cfg_transaction with type",
    )  # fmt: skip
    yield (
        {"strange_dn_types": {5: "External"}}, "unknown", "dn-type", "of the type 5 External, here"
    )  # fmt: skip


def test_a_survey_without_a_fault_has_no_points_and_goes_on() -> None:
    whole = taken(found())
    assert whole.points == []
    assert next_step(whole, SITE) == "next: exctl genesys check --stack dev"


@pytest.mark.parametrize(("changes", "level", "code", "words"), list(cases()))
def test_each_fault_is_one_point_in_words(
    changes: dict[str, object], level: str, code: str, words: str
) -> None:
    (point,) = points.of(found(**changes), WANTED)
    assert (point.level, point.code) == (level, code)
    assert words in point.text


def test_problems_come_first_and_are_what_is_next() -> None:
    near = [NearSupervisor(1, "ann", "not an agent", "Supervisor")]
    shared = TransactionFacts("there", 1, 21, shared_with=("B",))
    whole = taken(found(near_supervisors=near, transaction=shared))
    assert [point.level for point in whole.points] == ["problem", "warning"]
    assert next_step(whole, SITE).startswith("next: fix 1 problem in Engage, then run again")


def test_one_page_holds_what_was_found_and_json_all_of_it() -> None:
    many = [Conflict("skill", "name", "<b>", (Spelling(f"A{n}", n, 1),)) for n in range(50)]
    whole = taken(found(conflicts=many))
    text, html = (form(page.document(whole)) for form in (markup.markdown, markup.html))
    assert "and 10 more; --json lists all" in text
    assert "9 persons" in text
    assert "<b>" not in html
    data = json.loads(json.dumps(page.as_json(whole)))
    assert len(data["survey"]["conflicts"]) == 50
    assert data["survey"]["tenant"] == {"dbid": 1, "name": "Resources", "state": 1}
    assert [point["code"] for point in data["points"]] == ["name-conflict"]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_on_a_terminal_no_line_is_wider_than_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "70")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    shared = TransactionFacts("there", 1, 21, shared_with=("a tenant with a long name",))
    document = page.document(taken(found(transaction=shared)))
    wide, narrow = io.StringIO(), Terminal()
    markup.show(document, wide)
    markup.show(document, narrow)
    assert wide.getvalue() == markup.markdown(document)
    assert max(map(len, wide.getvalue().splitlines())) > 70
    plain = re.sub(r"\x1b\[[0-9;]*m", "", narrow.getvalue())
    assert max(map(len, plain.splitlines())) <= 70
    assert "a tenant with" in plain


def test_without_its_password_nothing_is_asked() -> None:
    with (
        pytest.raises(NothingTouched, match="exctl secret set configDbPassword"),
        connection.session(SITE, {}, "direct"),
    ):
        raise AssertionError


def test_a_database_that_is_not_there_is_said_with_the_other_way() -> None:
    nobody = make_site(excs__config_db__host="127.0.0.1", excs__config_db__port=9)
    with (
        pytest.raises(ExctlError, match="exctl survey --via ssh") as caught,
        connection.session(nobody, {"configDbPassword": "never-shown"}, "direct"),
    ):
        raise AssertionError
    assert "Nothing was touched" in caught.value.text
    assert "never-shown" not in caught.value.text
