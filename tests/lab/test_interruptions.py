"""Stories of runs interrupted by Ctrl-C or what stands for it, and by kill -9, in each phase.

Nothing is lost, no pair is down for it, and the same command, or `up`, resumes where it stopped.
"""

from __future__ import annotations

import json
import os
import re
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.lab.conftest import SITE_KEYS, Site
from tests.lab.operator import (
    CRASHES,
    NEW,
    OLD,
    Running,
    costing_nothing,
    exctl,
    left_well,
    locks,
    releases,
)
from tests.lab.reliability import faced

pytestmark = [pytest.mark.lab, pytest.mark.long]

UPDATE = ("update", "excp", "--pair", "1", "--tag", NEW)
AT_ONCE_SECONDS = 15.0
"""Far below the deadline of a gate; most of it is for the machine that runs the tests."""


@pytest.fixture(scope="module")
def site(two_pairs: Site) -> Site:
    two_pairs.work.up()
    return two_pairs


@pytest.fixture(autouse=True)
def well_again(site: Site) -> Iterator[None]:
    """A story that fails mustn't spoil those after it."""
    yield from left_well(site)


@pytest.fixture
def of_before(site: Site) -> None:
    """The pair's version is the one that UPDATE is to replace."""
    if versions(site) != [OLD, OLD]:
        exctl(site, "rollback", "1", "--yes")


def versions(site: Site) -> list[str]:
    return [site.version(key) for key in ("excp-1-1", "excp-1-2")]


def last_transcript(site: Site) -> str:
    """What the last run said, also to a terminal that was lost."""
    number = json.loads(exctl(site, "history", "--json").stdout)["runs"][-1]["number"]
    (run,) = json.loads(exctl(site, "history", "--json", str(number)).stdout)["runs"]
    return re.sub(r"(?m)^[\d:]{8} ", "", run["transcript"])


@contextmanager
def nothing_touched(site: Site) -> Iterator[None]:
    """What happens meanwhile leaves stack file, containers and lock as they were."""
    text, before = site.stack_file.read_text(), site.container_ids()
    yield
    assert site.stack_file.read_text() == text
    assert site.container_ids() == before
    assert locks(site) == []


def previewing(site: Site) -> Running:
    """The update, with its preview under way."""
    candidate = site.work.directory / ".exec/Pulumi.dev.candidate.yaml"
    candidate.unlink(missing_ok=True)
    running = Running(site, *UPDATE, "--yes")
    site.wait_until(candidate.exists, "the preview", 60)
    time.sleep(0.5)
    return running


def unlocked(site: Site) -> str:
    """What `unlock` says, which must find the lock of a run that was killed."""
    refused = exctl(site, "up", "--yes", code=1).stderr
    assert "a killed run has left the lock" in refused
    assert "no longer runs" in refused
    return exctl(site, "unlock", "--yes").stdout


@pytest.mark.usefixtures("of_before")
def test_a_run_that_is_killed_before_it_is_agreed_to_has_changed_nothing(site: Site) -> None:
    with nothing_touched(site):
        previewing(site).kill()
        asked = Running(site, *UPDATE, terminal=True)
        asked.wait_for("Do it to the stack dev (tenant 1)?")
        asked.kill()


@pytest.mark.usefixtures("of_before")
def test_a_run_that_is_killed_in_any_phase_is_gone_on_with_by_the_same_command(
    site: Site, request: pytest.FixtureRequest
) -> None:
    with costing_nothing(site, request):
        release = releases(site)[-1]["number"]
        for words in ("image pulled", "guard passed", "excp-1-1: container started"):
            running = Running(site, *UPDATE, "--yes")
            running.wait_for(words)
            running.kill()
            told = unlocked(site)
            assert f"the stack file is what that run was to deploy, not release {release}" in told
            assert f"exctl rollback {release} --stack dev goes back" in told
        running = Running(site, *UPDATE, "--yes")
        running.wait_for("INSTANCE ")
        running.kill()
        exctl(site, "up", "--yes")
    assert versions(site) == [NEW, NEW]
    assert releases(site)[-1]["images"]["excp-1"]["tag"] == NEW
    line, then = "the stack file is what that run was to deploy", "`exctl unlock`, the same command"
    faced(request, "killed", told, line, code=0, then=then)


def test_a_run_whose_exctl_alone_is_killed_ends_by_itself_and_lets_go(
    site: Site, request: pytest.FixtureRequest
) -> None:
    """Pulumi finishes its step, and the gates see that nobody waits for them any more."""
    with costing_nothing(site, request):
        running = Running(site, "restart", "excp", "--pair", "1", "--yes")
        running.wait_for("excp-1-1: container started")
        running.cut(signal.SIGKILL)
        running.process.wait()
        site.wait_until(lambda: locks(site) == [], "Pulumi to let go", AT_ONCE_SECONDS)
        exctl(site, "up", "--yes")
    assert site.codes() == dict.fromkeys(SITE_KEYS, 200)
    line = "excp-1-1: container started"
    faced(request, "killed-exctl", running.said, line, code=137, then="`exctl up`")


def test_a_sync_that_a_killed_run_waited_for_is_waited_for_by_the_next(
    site: Site, request: pytest.FixtureRequest
) -> None:
    site.forget_sync()
    site.set_fault("excs", "sync_stalled", percent="40")
    with costing_nothing(site, request, excs_replaced=1, without_excs=True):
        running = Running(site, "restart", "excs", "--yes")
        running.wait_for("excs: sync")
        running.kill()
        site.clear_faults("excs")
        made = site.container_id_on_host("excs")
        assert "the stack file is that of release" in unlocked(site)
        run = exctl(site, "up", "--yes")
        assert "excs on " in run.stderr
        assert "stays as it is; waits for sync" in run.stderr
        assert site.container_id_on_host("excs") == made
    line, then = "stays as it is; waits for sync", "`exctl unlock`, `exctl up`, with the same EXCS"
    faced(request, "killed-sync", run.stderr, line, code=0, then=then)


@pytest.mark.usefixtures("of_before")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_while_it_looks_or_asks_ends_it_with_nothing_touched(
    site: Site, number: signal.Signals
) -> None:
    with nothing_touched(site):
        looks = previewing(site)
        looks.cut(number)
        assert "Nothing was touched." in looks.end(130)
        asks = Running(site, *UPDATE, terminal=True)
        asks.wait_for("Do it to the stack dev (tenant 1)?")
        asks.cut(number)
        asks.end(130)


@pytest.mark.usefixtures("of_before")
def test_a_signal_while_images_are_pulled_ends_the_pulls_at_once(
    site: Site, request: pytest.FixtureRequest
) -> None:
    for key in ("excp-1-1", "excp-1-2"):
        site.docker(key, "image", "prune", "--all", "--force")
    with nothing_touched(site), costing_nothing(site, request):
        running = Running(site, *UPDATE, terminal=True)
        running.wait_for("Do it to the stack dev (tenant 1)?")
        site.set_fault("infra", "registry-stalls")
        try:
            running.type("y\n")
            site.wait_until(lambda: is_pulling(site, "excp-1-1"), "the pull")
            began = time.monotonic()
            running.cut(signal.SIGINT)
            said = running.end(130)
            assert time.monotonic() - began < AT_ONCE_SECONDS
            print(f"ended {time.monotonic() - began:.1f} s after the signal")
        finally:
            site.clear_faults("infra")
    assert "not touched: " in said
    assert "No container was touched." in said
    assert f"To run it again: exctl {' '.join(UPDATE)}" in said
    line, then = "No container was touched.", "no container was touched"
    faced(request, "ctrl-c-pull", said, line, code=130, then=then)


def is_pulling(site: Site, key: str) -> bool:
    """Whether the host has a connection to the registry."""
    found = site.host(key).run("ss", "-Htn", "state", "established", "dport", "=", ":5000")
    return bool(found.strip())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_at_a_health_gate_ends_it_at_once_and_says_what_is_done(
    site: Site, request: pytest.FixtureRequest, number: signal.Signals
) -> None:
    with costing_nothing(site, request):
        site.set_fault("excp-1-1", "hang")
        running = Running(site, "restart", "excp", "--pair", "1", "--yes", "--allow-outage")
        running.wait_for("excp-1-1: container started")
        began = time.monotonic()
        running.cut(number)
        said = running.end(130)
        assert time.monotonic() - began < AT_ONCE_SECONDS
        site.clear_faults("excp-1-1")
        assert "begun, not finished: excp-1-1 (" in said
        assert "not touched: excp-1-2" in said
        assert "To resume: exctl up --stack dev" in said
        assert locks(site) == []
        exctl(site, "up", "--yes")
    line = "begun, not finished: excp-1-1"
    faced(request, "ctrl-c-gate", said, line, code=130, then="`exctl up`")


def test_a_lost_ssh_session_is_an_interrupt_and_no_step_is_lost(
    site: Site, request: pytest.FixtureRequest
) -> None:
    with costing_nothing(site, request):
        running = Running(site, "restart", "excp", "--pair", "1", terminal=True)
        running.wait_for("Do it to the stack dev (tenant 1)?")
        running.type("y\n")
        running.wait_for("excp-1-1: container started")
        os.killpg(running.process.pid, signal.SIGHUP)
        running.end(130)
        said = last_transcript(site)
        assert locks(site) == []
        exctl(site, "up", "--yes")
    assert site.codes() == dict.fromkeys(SITE_KEYS, 200)
    faced(request, "terminal-lost", said, "To resume", code=130, then="`exctl up`")


def test_a_signal_at_the_sync_gate_ends_it_at_once_and_leaves_excs(
    site: Site, request: pytest.FixtureRequest
) -> None:
    site.forget_sync()
    site.set_fault("excs", "sync_stalled", percent="40")
    with costing_nothing(site, request, excs_replaced=1, without_excs=True):
        running = Running(site, "restart", "excs", "--yes")
        running.wait_for("excs: sync")
        made = site.container_id_on_host("excs")
        began = time.monotonic()
        running.cut(signal.SIGINT)
        said = running.end(130)
        assert time.monotonic() - began < AT_ONCE_SECONDS
        assert "begun, not finished: excs (" in said
        site.clear_faults("excs")
        exctl(site, "up", "--yes")
        assert site.container_id_on_host("excs") == made
    line, then = "begun, not finished: excs", "`exctl up`, with the same EXCS"
    faced(request, "ctrl-c-sync", said, line, code=130, then=then)


def test_a_signal_on_the_way_back_says_that_up_goes_on_with_it(
    site: Site, request: pytest.FixtureRequest
) -> None:
    text = site.stack_file.read_text()
    with costing_nothing(site, request):
        running = Running(site, "update", "excp", "--pair", "2", "--tag", CRASHES, "--yes")
        running.wait_for("rolling back to release")
        running.site.wait_until(
            lambda: "excp-2-1: container started" in running.said.rpartition("rolling back")[2],
            "the way back",
            60,
        )
        running.cut(signal.SIGINT)
        said = running.end(130)
        assert "while rolling back to release" in said
        assert "exctl up --stack dev goes on rolling back" in said
        assert site.stack_file.read_text() == text
        exctl(site, "up", "--yes")
    assert site.codes() == dict.fromkeys(SITE_KEYS, 200)
    line, then = "while rolling back to release", "`exctl up` goes on rolling back"
    faced(request, "ctrl-c-rollback", said, line, code=130, then=then)


def test_a_signal_at_the_last_look_says_that_no_release_was_recorded(site: Site) -> None:
    count = len(releases(site))
    site.set_fault("exas", "hang")
    try:
        running = Running(site, "up", "--yes", "-m", "nothing new")
        running.wait_for("waiting for exas (")
        running.cut(signal.SIGINT)
        said = running.end(130)
    finally:
        site.clear_faults("exas")
    assert "everything was deployed" in said
    assert "no release was recorded" in said
    assert len(releases(site)) == count


def test_a_terminal_has_a_live_view_with_each_instance(site: Site) -> None:
    running = Running(site, "restart", "excp", "--pair", "1", terminal=True)
    running.wait_for("looking at the hosts, ")
    running.wait_for("Do it to the stack dev (tenant 1)?")
    running.type("y\n")
    running.wait_for("deploying the stack dev, ")
    running.wait_for("waiting until it is healthy")
    running.wait_for("✓")
    running.end(0)
