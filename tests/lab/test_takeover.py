"""A stack goes from the embedded engine to the Pulumi CLI and back, without a change on the way.

Runs only where `pulumi` is on PATH with its docker plugin; elsewhere it says so and proves nothing.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from lab.lab import Lab
from tests.lab.conftest import Site, make_workspace
from tests.lab.workspace import CLONE, STACK, Run

CLI = shutil.which("pulumi")
pytestmark = [
    pytest.mark.lab,
    pytest.mark.pulumi,
    pytest.mark.skipif(
        CLI is None, reason="the Pulumi CLI is not on PATH: nothing to compare the engine with"
    ),
]
EMBEDDED = CLONE / "engine/bin"
NEW = "100.0.100.12"


@pytest.fixture(scope="module")
def takeover(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Site:
    return Site(lab, make_workspace(tmp_path_factory.mktemp("takeover"), lab))


def by_cli(site: Site, *arguments: str) -> Run:
    assert CLI is not None
    site.work.engine = Path(CLI).parent
    return site.work.pulumi(*arguments)


def by_us(site: Site, *arguments: str) -> Run:
    site.work.engine = EMBEDDED
    return site.work.pulumi(*arguments)


UP = ("up", "--yes", "--skip-preview", "--stack", STACK)
REFRESH = ("refresh", "--yes", "--skip-preview", "--expect-no-changes", "--stack", STACK)
NO_CHANGES = ("preview", "--refresh", "--expect-no-changes", "--stack", STACK)


def test_the_cli_finds_no_change_in_what_the_engine_deployed(takeover: Site) -> None:
    assert by_us(takeover, "stack", "init", STACK).code == 0
    run = by_us(takeover, *UP)
    assert run.code == 0, run.text
    before = takeover.container_ids()
    for arguments in (NO_CHANGES, REFRESH, NO_CHANGES, UP):
        run = by_cli(takeover, *arguments)
        assert run.code == 0, run.text
    assert takeover.container_ids() == before


def test_the_engine_finds_no_change_in_what_the_cli_changed(takeover: Site) -> None:
    takeover.work.edit("exas.tag", NEW)
    run = by_cli(takeover, *UP)
    assert run.code == 0, run.text
    before = takeover.container_ids()
    for arguments in (NO_CHANGES, REFRESH, NO_CHANGES, UP):
        run = by_us(takeover, *arguments)
        assert run.code == 0, run.text
    assert takeover.container_ids() == before


def test_each_destroys_what_the_other_made(takeover: Site) -> None:
    run = by_cli(takeover, "destroy", "--yes", "--skip-preview", "--stack", STACK)
    assert run.code == 0, run.text
    assert not takeover.containers("excs")
    assert by_cli(takeover, *UP).code == 0
    run = by_us(takeover, "destroy", "--yes", "--skip-preview", "--stack", STACK)
    assert run.code == 0, run.text
    assert not takeover.containers("excs")
