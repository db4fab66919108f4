"""Stories of outages that are meant: foreseen in the plan, asked for in words, and waited for by
nobody; and of a run that pauses in the middle.

Each story leaves the site well, all of it on release one's versions.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest

from lab import settings
from tests.lab.conftest import PAIR, Site
from tests.lab.operator import CRASHES, NEW, OLD, Running, costing_nothing, exctl, left_well
from tests.lab.reliability import faced

pytestmark = [pytest.mark.lab, pytest.mark.long]


@pytest.fixture(scope="module")
def deployed(site: Site) -> Site:
    site.work.hurry()
    site.work.up()
    return site


@pytest.fixture(autouse=True)
def well_again(deployed: Site) -> Iterator[None]:
    yield from left_well(deployed)


def test_a_stop_of_excs_says_who_misses_it_and_nobody_waits_for_them(deployed: Site) -> None:
    site = deployed
    run = exctl(site, "stop", "excs", "--yes")
    assert "excs on " in run.stderr
    assert "remove; down afterwards; exas and pair 1 may answer 503 meanwhile" in run.stderr
    assert site.containers("excs") == []
    site.wait_until(lambda: site.codes()["exas"] == 503, "exas to miss excs")
    up = exctl(site, "up", "--yes")
    assert "not waited for, since excs is stopped: exas (HTTP 503" in up.stderr
    asked = Running(site, "start", "excs", terminal=True)
    asked.wait_for("Do it to the stack dev (tenant 1)?")
    asked.type("y\n")
    asked.end(0)
    site.wait_until(lambda: set(site.codes().values()) == {200}, "all to answer")


def test_a_restart_of_excs_is_asked_for_with_what_answers_503_meanwhile(deployed: Site) -> None:
    site, before = deployed, deployed.container_ids()
    asked = Running(site, "restart", "excs", terminal=True)
    asked.wait_for("exas and pair 1 may answer 503 while excs is down.")
    asked.wait_for("Do it to the stack dev (tenant 1)?")
    asked.type("n\n")
    assert "Nothing was touched." in asked.end(130)
    assert site.container_ids() == before


def test_the_last_of_a_pair_is_stopped_only_if_that_is_said(deployed: Site) -> None:
    site = deployed
    exctl(site, "stop", "excp", "--pair", "1", "--host", "1", "--yes")
    text, last = site.stack_file.read_text(), site.container_id_on_host("excp-1-2")
    words = ("stop", "excp", "--pair", "1", "--host", "2")
    refused = exctl(site, *words, "--yes", code=1)
    assert "pair 1 stays down afterwards: no container of excp-1-2 is left" in refused.stderr
    assert refused.stderr.endswith("add --allow-outage.\nNothing was touched.\n")
    asked = Running(site, *words, terminal=True)
    asked.wait_for("pair 1 stays down afterwards")
    asked.wait_for("Do it to the stack dev (tenant 1)?")
    asked.type("n\n")
    asked.end(130)
    assert site.stack_file.read_text() == text
    assert site.container_id_on_host("excp-1-2") == last
    exctl(site, *words, "--yes", "--allow-outage")
    assert [site.containers(key) for key in PAIR] == [[], []]
    exctl(site, "start", "excp", "--yes")
    assert set(site.codes().values()) == {200}


def test_what_the_guard_would_refuse_is_refused_before_anything_begins(
    deployed: Site, request: pytest.FixtureRequest
) -> None:
    site = deployed
    exctl(site, "stop", "excp", "--pair", "1", "--host", "1", "--yes")
    last = site.container_id_on_host("excp-1-2")
    with costing_nothing(site, request):
        run = exctl(site, "restart", "excp", "--pair", "1", "--host", "2", "--yes", code=1)
    assert "its guard will refuse, since excp-1-1 is in `stopped`" in run.stderr
    assert "excp-1-2 was not touched: its peer excp-1-1 is in `stopped`" in run.stderr
    assert "the same command with --allow-outage" in run.stderr
    assert run.stderr.endswith("Nothing was touched.\n")
    assert site.container_id_on_host("excp-1-2") == last
    meant = ("restart", "excp", "--pair", "1", "--host", "2", "--yes", "--allow-outage")
    assert "THE PAIR IS DOWN meanwhile" in exctl(site, *meant).stderr
    exctl(site, "start", "excp", "--yes")
    line, then = "its guard will refuse", "`exctl start` of the peer; or `--allow-outage`"
    faced(request, "peer-stopped", run.stderr, line, code=1, then=then)


def test_an_update_pauses_after_its_first_instance_and_goes_on_when_told(
    deployed: Site, request: pytest.FixtureRequest
) -> None:
    site = deployed
    update = ("update", "excp", "--pause-after", "first", "--tag")
    with costing_nothing(site, request):
        run = exctl(site, *update, NEW, "--yes")
        assert "paused: excp-1-1 done and healthy; not yet: excp-1-2" in run.stderr
        assert "To go on: exctl up --stack dev\nTo go back: exctl rollback " in run.stderr
        assert run.stderr.endswith("VERSION SKEW: the instances of pair 1 differ\n")
        assert [site.version(key) for key in PAIR] == [NEW, OLD]
        exctl(site, "up", "--yes")
        assert [site.version(key) for key in PAIR] == [NEW, NEW]
        asked = Running(site, *update, OLD, terminal=True)
        asked.wait_for("Do it to the stack dev (tenant 1)?")
        asked.type("y\n")
        asked.wait_for("Go on with excp-1-2?")
        assert [site.version(key) for key in PAIR] == [OLD, NEW]
        asked.type("y\n")
        assert "this is release" in asked.end(0)
    assert [site.version(key) for key in PAIR] == [OLD, OLD]


def test_hooks_are_told_of_a_run_and_can_refuse_it(deployed: Site) -> None:
    site = deployed
    directory = site.work.directory / "hooks"
    directory.mkdir()
    for name in ("pre-up", "post-up", "failed"):
        script = f"env > {name}.env; echo password {settings.REDIS_PASSWORD}; test ! -e refused"
        (directory / name).write_text(f"#!/bin/sh\n{script}\n")
        (directory / name).chmod(0o755)
    try:
        run = exctl(site, "restart", "exas", "--yes", "-m", "ticket 7")
        assert "hooks/pre-up: password [redacted]" in run.stderr
        told = {name: told_to(site, name) for name in ("pre-up", "post-up")}
        assert told["pre-up"]["EXEC_COMMAND"] == "restart"
        assert told["pre-up"]["EXEC_MESSAGE"] == "ticket 7"
        assert told["post-up"]["EXEC_RESULT"] == "done"
        assert told["post-up"]["EXEC_INSTANCES"] == "exas"
        exctl(site, "update", "excp", "--tag", CRASHES, "--yes", code=3)
        told["failed"] = told_to(site, "failed")
        assert told["failed"]["EXEC_RESULT"] == "rolled back"
        assert told["failed"]["EXEC_EXIT_CODE"] == "3"
        for variables in told.values():
            assert not [name for name in variables if name.startswith("PULUMI")]
            assert not [s for s in site.secrets if any(s in v for v in variables.values())]
        before = site.container_ids()
        (site.work.directory / "refused").touch()
        refused = exctl(site, "restart", "exas", "--yes", code=1)
        assert "hooks/pre-up ended with exit code 1, and so stops this run." in refused.stderr
        assert refused.stderr.endswith("Nothing was touched.\n")
        assert site.container_ids() == before
    finally:
        shutil.rmtree(directory)


def told_to(site: Site, name: str) -> dict[str, str]:
    """The variables that a hook had; of one with several lines, the first."""
    lines = (site.work.directory / f"{name}.env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)
