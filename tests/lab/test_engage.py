"""Stories of what stands before the first sync: Engage's Config DB and Genesys Cloud, looked into.

Nothing is deployed: a survey needs a database and a host to go through.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from lab import settings
from tests.lab.conftest import Site
from tests.lab.operator import exctl

pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("as_made")]
Row = dict[str, Any]


@pytest.fixture
def as_made(site: Site) -> None:
    site.stack_file.write_text(site.as_made)
    for target in ("infra", "cloud"):
        site.clear_faults(target)


def codes(text: str) -> list[tuple[str, str]]:
    return [(point["level"], point["code"]) for point in json.loads(text)["points"]]


def database(site: Site, statement: str) -> str:
    psql = ["psql", "-qAt", "-h", "127.0.0.1", "-U", "postgres", "-d", settings.DATABASE]
    return site.lab.host("infra").run(*psql, "-c", statement)


def test_a_survey_finds_what_is_wrong_in_engage_the_same_both_ways(site: Site) -> None:
    through = json.loads(exctl(site, "survey", "--folder", "Service", "--json", code=4).stdout)
    direct = exctl(site, "survey", "--folder", "Service", "--json", "--via", "direct", code=4)
    found = json.loads(direct.stdout)
    assert through["survey"] == found["survey"]
    assert found["survey"]["persons"] == 1004
    assert len(found["survey"]["conflicts"]) == 5
    problems = {code for level, code in codes(direct.stdout) if level == "problem"}
    assert problems == {
        "name-conflict", "organization-shared", "group-no-such-dn", "group-wrong-type",
        "group-disabled",
    }  # fmt: skip
    assert "next: fix 8 problems in Engage" in direct.stderr


def test_one_page_of_a_survey_and_the_way_on_once_nothing_is_wrong(site: Site) -> None:
    page = site.work.directory / "survey.html"
    change = (
        "update cfg_flex_prop set prop_value = '{}' where object_type = 16 and object_dbid = 2"
        " and prop_name = 'organization_id'"
    )
    # The one mistake that concerns the folders of the lab's stack.
    database(site, change.format("another"))
    try:
        run = exctl(site, "survey", "--html", str(page))
    finally:
        database(site, change.format(settings.ORG_ID))
    assert "next: exctl genesys check --stack dev" in run.stderr
    assert "DNs/Retail" in page.read_text()


def test_a_database_that_is_down_or_refuses_is_told_with_what_to_do(site: Site) -> None:
    site.set_fault("infra", "database-down")
    run = exctl(site, "survey", code=1)
    assert "no session with the Config DB" in run.stderr
    assert "Nothing was touched" in run.stderr
    site.clear_faults("infra")
    site.work.edit("excs.config_db.user", "nobody")
    assert "refuses nobody or configDbPassword" in exctl(site, "survey", code=1).stderr


def test_the_transaction_is_compared_with_what_the_database_has(site: Site) -> None:
    run = exctl(site, "transaction", "--compare", "--skill-level-max", "12", code=4)
    assert "config_sync/client_secret" in run.stdout
    assert "as wanted" in run.stdout
    (wanted,) = run.stdout.partition("To be set in the annex:")[2].strip().splitlines()[:1]
    assert wanted.split() == ["config_sync/skill_level_max_value", "12"]
    assert "the tenant Outsourcer has a transaction that names" in run.stdout


def test_the_organization_is_checked_and_each_trouble_has_its_sentence(site: Site) -> None:
    run = exctl(site, "genesys", "check")
    assert "short name exec-lab" in run.stdout
    assert "role EX Integration in the division Home" in run.stdout
    assert "next: exctl doctor --stack dev" in run.stderr
    for name, parameters, level, code, exit_code in (
        ("error", {"code": "429", "at": "token"}, "unknown", "cloud-too-many", 0),
        ("portal", {}, "problem", "cloud-portal", 4),
        ("wrong_answer", {"kind": "org"}, "problem", "organization-differs", 4),
    ):
        site.set_fault("cloud", name, **parameters)
        found = exctl(site, "genesys", "check", "--json", code=exit_code)
        assert (level, code) in codes(found.stdout)
        site.clear_faults("cloud")


def test_a_preflight_stops_at_a_client_of_another_organization(site: Site) -> None:
    site.set_fault("cloud", "wrong_answer", kind="org")
    run = exctl(site, "doctor", "--json", code=4)
    stops = [row["check"] for row in json.loads(run.stdout) if row["stops"]]
    assert stops == ["genesys-cloud-organization"]
