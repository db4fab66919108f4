"""Stories of what goes wrong on a site with two pairs: each failure says enough to act on, and no
pair is down for it at any moment.

Each story leaves the site well, all of it on release one's versions.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from health.probe import direct_probe
from tests.lab.conftest import SITE_KEYS, Site
from tests.lab.operator import (
    CRASHES,
    NEW,
    OLD,
    Running,
    costing_nothing,
    exctl,
    left_well,
    releases,
    waive,
)
from tests.lab.prober import Watch
from tests.lab.reliability import faced

pytestmark = [pytest.mark.lab, pytest.mark.long]

PAIRED = SITE_KEYS[2:]


@pytest.fixture(scope="module")
def site(two_pairs: Site) -> Site:
    return two_pairs


@pytest.fixture
def deployed(site: Site) -> Site:
    """For a story that may run without those before it."""
    if not releases(site):
        site.work.up()
    return site


@pytest.fixture(autouse=True)
def well_again(site: Site) -> Iterator[None]:
    """A story that fails mustn't spoil those after it."""
    yield from left_well(site)


def is_well(site: Site, tag: str = OLD) -> None:
    assert site.codes() == dict.fromkeys(SITE_KEYS, 200)
    assert {key: site.version(key) for key in PAIRED} == dict.fromkeys(PAIRED, tag)


def test_a_first_deployment_that_fails_has_nothing_to_go_back_to(site: Site) -> None:
    site.forget_sync()
    site.work.edit("excs.sync_gate.stall_seconds", 4)
    site.set_fault("excs", "sync_stalled", percent="40")
    run = exctl(site, "up", "--yes", code=1)
    assert "makes no progress: the sync has stood still for 4 seconds at" in run.stderr, run.text
    assert f"excs on {site.hosts['excs']}" in run.stderr
    assert "There is no release yet to go back to." in run.stderr
    assert "not touched: exas, excp-1-1, excp-1-2, excp-2-1, excp-2-2" in run.stderr
    assert "To resume, once the cause is fixed: exctl up --stack dev." in run.stderr
    site.clear_faults("excs")
    stuck = site.container_id_on_host("excs")
    exctl(site, "up", "--yes")
    assert site.container_id_on_host("excs") == stuck
    is_well(site)
    assert len(releases(site)) == 1


def test_the_watcher_sees_a_pair_that_is_wholly_down(site: Site) -> None:
    urls = [site.url(key, "/health") for key in ("excp-1-1", "excp-1-2")]
    with Watch(tuple(urls)) as watch:
        for key in ("excp-1-1", "excp-1-2"):
            site.docker(key, "pause", key)
        time.sleep(3)  # a probe that hangs ends after a second, the last one may still be answered
        for key in ("excp-1-1", "excp-1-2"):
            site.docker(key, "unpause", key)
        site.wait_until(lambda: site.codes()["excp-1-2"] == 200, "the pair to answer")
    assert watch.seconds_without_any(urls) >= 1.5
    assert watch.seconds_without_any(urls[:1]) >= watch.seconds_without_any(urls)


def test_an_image_that_crashes_in_the_second_pair_takes_the_first_back_as_well(
    site: Site, request: pytest.FixtureRequest
) -> None:
    site.work.edit("excp.pairs.1.tag", NEW)
    site.work.edit("excp.pairs.2.tag", CRASHES)
    with costing_nothing(site, request):
        run = exctl(site, "up", "--yes", code=3)
    assert "exctl: rolled back: release 1 runs again" in run.stderr
    last_screen = run.stderr.rpartition("exctl: rolled back")[2]
    assert f"excp-2-1 on {site.hosts['excp-2-1']} crashes again and again" in last_screen
    assert "cannot start" in last_screen
    assert "excp-1-1: container started" in run.stderr.partition("rolling back to release 1")[0]
    is_well(site)
    failed = site.work.directory / f".exec/{site.stack_file.name}.failed"
    assert CRASHES in failed.read_text()
    assert CRASHES not in site.stack_file.read_text()
    line, then = "crashes again and again", "by itself: rolled back"
    faced(request, "image-crashes-second", run.stderr, line, code=3, then=then)


def test_a_way_back_that_fails_as_well_says_how_each_instance_is(
    site: Site, request: pytest.FixtureRequest
) -> None:
    site.set_fault("excp-1-1", "crash_at_start")
    with costing_nothing(site, request):
        run = exctl(site, "update", "excp", "--pair", "1", "--tag", NEW, "--yes", code=1)
        assert "rolling back to release 1 failed as well" in run.stderr
        last_screen = run.stderr.rpartition("exctl: rolling back")[2]
        assert "begun, not finished: excp-1-1 (failed while waiting until" in last_screen
        assert "healthy now: excs, exas, excp-1-2, excp-2-1, excp-2-2" in last_screen
        assert f"not healthy now: excp-1-1 on {site.hosts['excp-1-1']}" in last_screen
        site.clear_faults("excp-1-1")
        exctl(site, "up", "--yes")
    is_well(site)
    line, then = "failed as well", "`exctl up`, once the cause was gone"
    faced(request, "way-back-fails", run.stderr, line, code=1, then=then)


def test_a_dead_registry_touches_nothing_and_leaves_the_stack_file(
    site: Site, request: pytest.FixtureRequest
) -> None:
    text = site.stack_file.read_text()
    site.set_fault("infra", "registry-down")
    try:
        with costing_nothing(site, request):
            run = exctl(site, "update", "excs", "--tag", NEW, "--yes", code=1)
    finally:
        site.clear_faults("infra")
    assert "the preflight stops this: registry-reach." in run.stderr
    assert "Nothing was touched." in run.stderr
    assert site.stack_file.read_text() == text
    line, then = "the preflight stops this", "nothing was touched"
    faced(request, "registry-down", run.stderr, line, code=1, then=then)


def test_a_registry_that_dies_after_the_pulls_is_not_missed(
    site: Site, request: pytest.FixtureRequest
) -> None:
    with costing_nothing(site, request):
        running = Running(site, "update", "excp", "--pair", "2", "--tag", NEW, "--yes")
        running.wait_for("excp-2-1: guard passed")
        site.set_fault("infra", "registry-down")
        try:
            said = running.end(0)
            exctl(site, "rollback", "1", "--yes")
        finally:
            site.clear_faults("infra")
    is_well(site)
    faced(request, "registry-dies", said, "this is release", code=0, then="by itself")


def test_a_missing_image_is_named_once_for_all_its_hosts(
    site: Site, request: pytest.FixtureRequest
) -> None:
    with costing_nothing(site, request):
        run = exctl(site, "update", "excp", "--tag", "100.0.100.99", "--yes", code=1)
        assert "the preflight stops this: image." in run.stderr
        assert "Nothing was touched." in run.stderr
        assert run.stderr.count("the registry has no such image") == 1
        text = site.stack_file.read_text()
        waive(site, "image")
        run = exctl(site, "update", "excp", "--tag", "100.0.100.99", "--yes", code=1)
        site.stack_file.write_text(text)
    assert "the registry has no image" in run.stderr
    assert run.stderr.count("manifest unknown") <= 2
    assert "No container was touched." in run.stderr
    assert "is as it was before this command" in run.stderr
    line, then = "the registry has no image", "no container was touched"
    faced(request, "image-missing", run.stderr, line, code=1, then=then)


def test_a_wrong_registry_password_is_named(site: Site, request: pytest.FixtureRequest) -> None:
    text = site.stack_file.read_text()
    exctl(site, "rotate", "registryPassword", "--yes", text="not-the-password\n")
    try:
        with costing_nothing(site, request):
            run = exctl(site, "update", "excs", "--tag", NEW, "--yes", code=1)
        assert "it refuses exec or registryPassword" in run.stderr
        assert "exctl rotate registryPassword" in run.stderr
        assert "not-the-password" not in run.text
    finally:
        site.stack_file.write_text(text)
        exctl(site, "up", "--yes")
    line, then = "it refuses exec or registryPassword", "nothing was touched"
    faced(request, "password-registry", run.stderr, line, code=1, then=then)


def test_a_wrong_config_db_password_is_named_and_goes_back(
    site: Site, request: pytest.FixtureRequest
) -> None:
    deadline = site.work.setting("gate.deadline_seconds")
    site.work.edit("gate.deadline_seconds", 10)
    text = site.stack_file.read_text()
    run = exctl(site, "rotate", "configDbPassword", "--yes", code=1, text="not-the-password\n")
    assert "the preflight stops this: config-db-login." in run.stderr
    assert "Nothing was touched." in run.stderr
    assert site.stack_file.read_text() == text
    waive(site, "config-db-login")
    exctl(site, "up", "--yes")
    with costing_nothing(site, request, excs_replaced=2, without_excs=True):
        run = exctl(site, "rotate", "configDbPassword", "--yes", code=3, text="not-the-password\n")
    assert "rolled back" in run.stderr
    assert "configdb is DOWN" in run.stderr
    assert "not-the-password" not in run.text
    site.work.edit("gate.deadline_seconds", deadline)
    site.work.remove("preflight.waive.config-db-login")
    exctl(site, "up", "--yes")
    is_well(site)
    line, then = (
        "configdb is DOWN",
        "by itself: rolled back (the preflight, waived here, refuses it)",
    )
    faced(request, "password-config-db", run.stderr, line, code=3, then=then)


def test_a_docker_daemon_that_is_restarted_in_the_middle_holds_nothing_up(
    site: Site, request: pytest.FixtureRequest
) -> None:
    with costing_nothing(site, request):
        running = Running(site, "restart", "excp", "--pair", "2", "--yes")
        running.wait_for("excp-2-1: container started")
        name = site.host("excp-2-1").name
        site.set_fault(name, "daemon-stopped")
        site.clear_faults(name)
        said = running.end(0)
    is_well(site)
    faced(request, "daemon-restarted", said, "excp-2-1: healthy", code=0, then="by itself")


def test_a_dead_host_holds_nobody_else(deployed: Site, request: pytest.FixtureRequest) -> None:
    site = deployed
    before = site.container_ids()
    dead = site.hosts["excp-2-2"]
    name = site.host("excp-2-2").name
    site.set_fault(name, "ssh-dropped")
    try:
        with costing_nothing(site, request):
            exctl(site, "restart", "exas", "--yes")
            run = exctl(site, "up", "--yes", code=4)
            found = exctl(site, "drift", code=4)
    finally:
        site.clear_faults(name)
    assert run.stderr.count(f"left out: excp-2-2, since {dead} can't be reached: ") == 2
    assert "No release was recorded." in run.stderr
    assert f"excp-2-2 on {dead}: unknown" in found.stdout
    after = site.container_ids()
    assert {key for key in before if after[key] != before[key]} == {"exas"}
    exctl(site, "up", "--yes")
    is_well(site)
    line, then = "left out: excp-2-2", "everything else went on; `exctl up`, once it answered"
    faced(request, "host-unreachable", run.stderr, line, code=4, then=then)


def test_a_successor_in_the_stack_file_and_forget_need_nothing_of_a_host_that_is_gone(
    deployed: Site, request: pytest.FixtureRequest
) -> None:
    site = deployed
    gone, successor = site.hosts["excp-2-2"], site.hosts["exas"]
    hosts = site.work.setting("excp.pairs.2.hosts")
    name = site.host("excp-2-2").name
    site.set_fault(name, "ssh-dropped")
    try:
        site.work.edit("excp.pairs.2.hosts", [site.hosts["excp-2-1"], successor])
        with costing_nothing(site, request):
            run = exctl(site, "up", "--yes")
        assert f"{gone} is no longer in the stack file and doesn't answer" in run.stderr
        assert f"excp-2-2 on {successor}: replace" in run.stderr
        assert direct_probe(2)(f"http://{successor}:3650/health").code == 200
        assert "but not" in exctl(site, "forget", gone, "--yes", code=2).stderr
        assert (
            "answers, and holds exas"
            in exctl(site, "forget", site.hosts["exas"], "--yes", code=1).stderr
        )
    finally:
        site.clear_faults(name)
        site.docker("excp-2-2", "rm", "--force", "excp-2-2")
        site.work.edit("excp.pairs.2.hosts", hosts)
    exctl(site, "up", "--yes")
    is_well(site)
    line, then = "is no longer in the stack file", "the same run put the instance on another host"
    faced(request, "host-replaced", run.stderr, line, code=0, then=then)


def test_a_pair_that_is_given_up_needs_nothing_of_a_host_that_is_gone(deployed: Site) -> None:
    site = deployed
    hosts = site.work.setting("excp.pairs.2.hosts")
    name = site.host("excp-2-2").name
    site.set_fault(name, "ssh-dropped")
    try:
        site.work.remove("excp.pairs.2")
        refused = exctl(site, "up", "--yes", code=1)
        assert "pair 2 stays down afterwards: no container of excp-2-1 is left" in refused.stderr
        assert refused.stderr.endswith("add --allow-outage.\nNothing was touched.\n")
        exctl(site, "up", "--yes", "--allow-outage")
        assert {"container-excp-2-1", "container-excp-2-2"}.isdisjoint(site.work.rows())
    finally:
        site.clear_faults(name)
        site.docker("excp-2-2", "rm", "--force", "excp-2-2")
        site.work.edit("excp.pairs.2", site.work.setting("excp.pairs.1"))
        site.work.edit("excp.pairs.2.hosts", hosts)
    exctl(site, "up", "--yes")
    is_well(site)


def test_a_host_that_goes_away_in_the_middle_is_named(
    site: Site, request: pytest.FixtureRequest
) -> None:
    name = site.host("excp-2-2").name
    try:
        with costing_nothing(site, request):
            running = Running(site, "restart", "excp", "--pair", "2", "--yes")
            running.wait_for("excp-2-1: container started")
            site.set_fault(name, "ssh-dropped")
            said = running.end(1)
            site.clear_faults(name)
            exctl(site, "up", "--yes")
    finally:
        site.clear_faults(name)
    assert f"excp-2-2 on {site.hosts['excp-2-2']}: the host can't be reached" in said
    assert "done: excp-2-1" in said
    is_well(site)
    line, then = "the host can't be reached", "`exctl up`, once it answered"
    faced(request, "host-goes-away", said, line, code=1, then=then)


def test_a_full_log_disk_costs_no_service(site: Site, request: pytest.FixtureRequest) -> None:
    name = site.host("excp-1-1").name
    site.set_fault(name, "disk-full")
    try:
        with costing_nothing(site, request):
            restart = ("restart", "excp", "--pair", "1", "--host", "1", "--yes")
            run = exctl(site, *restart, code=1)
            assert "the preflight stops this: log-space." in run.stderr
            assert "Nothing was touched." in run.stderr
            waive(site, "log-space")
            exctl(site, *restart)
    finally:
        site.clear_faults(name)
        site.work.remove("preflight.waive.log-space")
    is_well(site)
    line, then = "the preflight stops this", "the same command, with the check waived"
    faced(request, "disk-full-logs", run.stderr, line, code=1, then=then)


def test_a_hand_made_container_of_our_name_is_left_alone(
    site: Site, request: pytest.FixtureRequest
) -> None:
    key = "excp-2-2"
    with costing_nothing(site, request):
        site.docker(key, "rm", "--force", key)
        image = site.inspect("excp-2-1")["Image"]
        made = site.docker(key, "create", "--name", key, image).strip()
        run = exctl(site, "up", "--yes", code=1)
        assert "a container excp-2-2 that neither exctl nor compose made" in run.stderr
        assert "the preflight stops this: container-name." in run.stderr
        assert "Nothing was touched." in run.stderr
        assert "exctl adopt" in run.stderr
        found = exctl(site, "drift", code=4)
        assert f"somebody replaced the container {key}" in found.stdout
        assert site.container_id_on_host(key) == made
        site.docker(key, "rm", key)
        exctl(site, "up", "--yes")
    is_well(site)
    line, then = "neither exctl nor compose made", "`docker rm` of it, then `exctl up`"
    faced(request, "made-by-hand", run.stderr, line, code=1, then=then)


def test_the_second_operator_waits_or_is_refused_before_anything_is_pulled(
    site: Site, request: pytest.FixtureRequest
) -> None:
    with costing_nothing(site, request):
        first = Running(site, "restart", "exas", "--yes")
        first.wait_for("plan, in this order")
        text = site.stack_file.read_text()
        refused = exctl(site, "update", "excp", "--tag", NEW, "--yes", code=1)
        assert "another run holds the lock of the stack dev" in refused.stderr
        assert "exctl restart exas: STILL RUNS" in refused.stderr
        assert "Nothing was touched." in refused.stderr
        assert "plan" not in refused.stderr
        assert site.stack_file.read_text() == text
        waits = exctl(site, "restart", "excp", "--pair", "1", "--yes", "--lock-wait", "60")
        assert "waiting for up to 60 s for the run of" in waits.stderr
        first.end(0)
    is_well(site)
    line, then = "another run holds the lock", "the same command with `--lock-wait 60`"
    faced(request, "two-operators", refused.stderr, line, code=1, then=then)


def test_two_who_begin_at_once_come_one_after_the_other(
    site: Site, request: pytest.FixtureRequest
) -> None:
    """Both change the stack file: neither may lose what the other wrote."""
    count = len(releases(site))
    with costing_nothing(site, request):
        both = [
            Running(site, "update", "excp", "--pair", n, "--tag", NEW, "--yes", "--lock-wait", "90")
            for n in ("1", "2")
        ]
        for running in both:
            said = running.end(0)
        is_well(site, NEW)
        assert len(releases(site)) == count + 2
        exctl(site, "rollback", "1", "--yes")
    is_well(site)
    then = "one after the other, neither lost what the other wrote"
    faced(request, "two-at-once", said, "this is release", code=0, then=then)
