"""A backend for more than one operator: the state in PostgreSQL, two clones, one lock.

Nothing of exctl needs the state to be in files: who is at the stack is asked of the backend.
"""

from __future__ import annotations

import shutil

import pytest

from lab import settings
from lab.lab import Lab
from tests.lab.conftest import Site, make_workspace
from tests.lab.operator import NEW, OLD, Running, exctl

pytestmark = [pytest.mark.lab, pytest.mark.long]

PASSWORD = "lab-pulumi-pw"


@pytest.fixture(scope="module")
def shared(site: Site) -> str:
    """The URL of an empty PostgreSQL database for states."""
    psql = ["psql", "-q", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-U", "postgres"]
    infra = site.lab.hosts["infra"]
    infra.run(*psql, "-c", "drop database if exists pulumi", "-c", "drop role if exists pulumi")
    infra.run(*psql, stdin=f"create role pulumi login password '{PASSWORD}'")
    infra.run(*psql, "-c", "create database pulumi owner pulumi")
    port = settings.POSTGRESQL_PORT
    return f"postgres://pulumi:{PASSWORD}@{site.lab.plan.infra}:{port}/pulumi?sslmode=disable"


@pytest.fixture(scope="module")
def first(site: Site, shared: str) -> Site:
    """The operator who begins."""
    site.work.variables["PULUMI_BACKEND_URL"] = shared
    site.work.edit("gate.interval_seconds", 0.2)
    site.work.up()
    return site


@pytest.fixture(scope="module")
def second(first: Site, lab: Lab, shared: str, tmp_path_factory: pytest.TempPathFactory) -> Site:
    """Another operator: another clone, the same stack file and releases, as git brings them."""
    work = make_workspace(tmp_path_factory.mktemp("second"), lab)
    work.variables["PULUMI_BACKEND_URL"] = shared
    shutil.copy(first.stack_file, work.directory)
    shutil.copytree(first.work.directory / "releases", work.directory / "releases")
    return Site(lab, work)


def test_another_clone_sees_what_runs(first: Site, second: Site) -> None:
    assert "plan: no container is touched" in exctl(second, "preview").stdout
    exctl(second, "drift")
    assert first.container_ids() == second.container_ids()
    assert not (second.work.directory / ".exec/state/.pulumi").exists()


def test_the_second_is_refused_before_anything_is_pulled_or_waits_its_turn(
    first: Site, second: Site
) -> None:
    running = Running(first, "restart", "excp", "--yes")
    running.wait_for("excp-1-1: container started")
    refused = exctl(second, "update", "excp", "--tag", NEW, "--yes", code=1)
    assert "another run holds the lock of the stack dev" in refused.stderr
    assert "STILL RUNS" in refused.stderr
    assert "pulled" not in refused.stderr
    waited = exctl(second, "up", "--yes", "--lock-wait", "120")
    assert "waiting for up to 120 s for the run of" in waited.stderr
    running.end(0)
    assert first.version("excp-1-1") == OLD


def test_the_lock_of_a_killed_run_is_shown_and_taken(first: Site, second: Site) -> None:
    running = Running(first, "restart", "excp", "--yes")
    running.wait_for("excp-1-1: container started")
    running.kill()
    refused = exctl(second, "up", "--yes", code=1).stderr
    assert "a killed run has left the lock of the stack dev" in refused
    assert "no longer runs" in refused
    assert PASSWORD not in refused
    unlocked = exctl(second, "unlock", "--yes")
    assert "no longer runs" in unlocked.stderr
    exctl(second, "up", "--yes")
    assert all(code == 200 for code in second.codes().values())


def test_the_history_and_a_rollback_need_no_files_of_a_backend(second: Site) -> None:
    exctl(second, "update", "excp", "--tag", NEW, "--yes")
    assert second.version("excp-1-2") == NEW
    exctl(second, "rollback", "--yes")
    assert second.version("excp-1-2") == OLD
    assert exctl(second, "releases", "--json").stdout.startswith("[")
