"""Stories of what breaks under a run, one fault each, measured for docs/reliability.md.

Each story leaves the site well, all of it on the first release's versions.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lab.host import LabHost
from tests.lab.conftest import PAIR, Site
from tests.lab.operator import (
    NEW,
    OLD,
    Running,
    archive,
    costing_nothing,
    exctl,
    left_well,
    starting,
    watched,
)
from tests.lab.reliability import faced
from tests.lab.test_gates import sshd_with
from tests.lab.test_preflight import close_connections

pytestmark = [pytest.mark.lab, pytest.mark.long]

RESTART = ("restart", "excp", "--pair", "1", "--yes")
UPDATE = ("update", "excp", "--tag", NEW, "--yes")


@pytest.fixture(scope="module")
def deployed(site: Site) -> Site:
    site.work.hurry()
    site.work.edit("gate.deadline_seconds", 12)
    site.work.up()
    return site


@pytest.fixture(autouse=True)
def well_again(deployed: Site) -> Iterator[None]:
    """The site and its stack file as they were before the story."""
    text = deployed.stack_file.read_text()
    yield from left_well(deployed)
    deployed.stack_file.write_text(text)


def is_well(site: Site) -> None:
    assert set(site.codes().values()) == {200}
    assert [site.version(key) for key in PAIR] == [OLD, OLD]


@contextmanager
def small_disk(host: LabHost | None, path: Path, mib: int) -> Iterator[None]:
    """A file system of this size at the path meanwhile, with what is there, on the host or, without
    one, on the operator's machine."""
    enter = host.enter() if host else []
    away = f"{path}.away"
    script = (
        f"cp -a {path} {away} && mount -t tmpfs -o size={mib}m tmpfs {path}"
        f" && cp -a {away}/. {path} && dd if=/dev/zero of={path}/.filled bs=4k 2>/dev/null; true"
    )
    subprocess.run([*enter, "sh", "-c", script], check=True)
    try:
        yield
    finally:
        script = f"rm -f {path}/.filled; rm -rf {away}; cp -a {path} {away}; umount -l {path}"
        subprocess.run([*enter, "sh", "-c", script], check=True)
        script = f"cp -a {away}/. {path}; rm -rf {away}"
        subprocess.run([*enter, "sh", "-c", script], check=True)


def interrupted_by(site: Site, request: pytest.FixtureRequest, key: str, fault: str) -> str:
    """A restart of the pair that a fault on an instance's host interrupts; what it said."""
    name = site.host(key).name
    with costing_nothing(site, request):
        running = Running(site, *RESTART)
        running.wait_for("excp-1-1: container started")
        site.set_fault(name, fault)
        said = running.end(1)
        site.clear_faults(name)
        exctl(site, "up", "--yes")
    is_well(site)
    return said


def test_a_host_that_loses_power_in_the_middle(
    deployed: Site, request: pytest.FixtureRequest
) -> None:
    said = interrupted_by(deployed, request, "excp-1-1", "power-cut")
    line, then = "begun, not finished: excp-1-1", "`exctl up`, once it was back"
    faced(request, "power-cut", said, line, code=1, then=then)


def test_a_daemon_that_freezes_in_the_middle(
    deployed: Site, request: pytest.FixtureRequest
) -> None:
    said = interrupted_by(deployed, request, "excp-1-2", "daemon-frozen")
    line, then = "Docker on it doesn't, for 15 s", "`exctl up`, once it answered"
    faced(request, "daemon-frozen", said, line, code=1, then=then)


def test_a_second_instance_that_cant_start(deployed: Site, request: pytest.FixtureRequest) -> None:
    site = deployed
    with costing_nothing(site, request):
        running = Running(site, *UPDATE)
        running.wait_for("excp-1-1: healthy after")
        site.set_fault("excp-1-2", "crash_at_start")
        running.wait_for("rolling back to release")
        site.clear_faults("excp-1-2")
        said = running.end(3)
    is_well(site)
    faced(request, "start-fails-second", said, "excp-1-2 on", code=3, then="by itself: rolled back")


def test_a_redis_that_comes_back_empty(deployed: Site, request: pytest.FixtureRequest) -> None:
    site = deployed
    with watched(site):
        running = Running(site, *RESTART)
        running.wait_for("excp-1-1: container started")
        site.set_fault("infra", "redis-down")
        site.clear_faults("infra")
        said = running.end(0)
    is_well(site)
    faced(request, "redis-emptied", said, "excp-1-2: healthy", code=0, then="by itself")


def test_a_config_db_that_goes_away_while_excs_is_replaced(
    deployed: Site, request: pytest.FixtureRequest
) -> None:
    site = deployed
    with watched(site):
        running = Running(site, "restart", "excs", "--yes")
        running.wait_for("excs: container started")
        site.set_fault("infra", "database-down")
        said = running.end(1)
        site.clear_faults("infra")
        exctl(site, "up", "--yes")
    is_well(site)
    faced(request, "config-db-gone", said, "excs on", code=1, then="`exctl up`, once it was back")


@pytest.mark.parametrize(("fault", "code"), [("cloud-429", "429"), ("cloud-503", "503")])
def test_a_genesys_cloud_that_refuses_during_a_sync(
    deployed: Site, request: pytest.FixtureRequest, fault: str, code: str
) -> None:
    site = deployed
    site.work.edit("excs.sync_gate.stall_seconds", 5)
    site.set_fault("excs", "sync_stalled", percent="10")  # until the new EXCS is there
    site.forget_sync()
    with watched(site):
        running = Running(site, "restart", "excs", "--yes")
        running.wait_for("excs: container started")
        site.set_fault("cloud", "error", code=code, at="api")
        site.clear_faults("excs")
        said = running.end(1)
        made = site.container_id_on_host("excs")
        site.clear_faults("cloud")
        exctl(site, "up", "--yes")
    is_well(site)
    assert site.container_id_on_host("excs") == made
    line, then = "the sync has stood still", "`exctl up`, with the same EXCS"
    faced(request, fault, said, line, code=1, then=then)


def test_a_sync_that_takes_longer_than_its_stall_limit(
    deployed: Site, request: pytest.FixtureRequest
) -> None:
    site = deployed
    stall_seconds = 4
    site.work.edit("excs.sync_gate.stall_seconds", stall_seconds)
    site.set_fault("cloud", "slow", seconds="1")
    site.set_fault("excs", "sync_stalled", percent="10")  # until the new EXCS is there
    site.forget_sync()
    with costing_nothing(site, request, excs_replaced=1, without_excs=True):
        running = Running(site, "restart", "excs", "--yes")
        running.wait_for("excs: container started")
        site.clear_faults("excs")
        said = running.end(0)
    site.clear_faults("cloud")
    is_well(site)
    line = "excs: sync complete after"
    took = re.search(rf"{line} (\d+) s", said)
    assert took is not None, said
    assert int(took[1]) > 2 * stall_seconds
    faced(request, "sync-long", said, line, code=0, then="by itself")


@pytest.mark.parametrize(
    ("fault", "name", "parameters"),
    [("sync-stuck", "sync_stuck", {}), ("sync-stalled", "sync_stalled", {"percent": "40"})],
)
def test_a_sync_that_does_not_go_on(
    deployed: Site,
    request: pytest.FixtureRequest,
    fault: str,
    name: str,
    parameters: dict[str, str],
) -> None:
    site = deployed
    site.work.edit("excs.sync_gate.stall_seconds", 4)
    site.forget_sync()
    site.set_fault("excs", name, **parameters)
    with costing_nothing(site, request, excs_replaced=1, without_excs=True):
        run = exctl(site, "restart", "excs", "--yes", code=1)
        site.clear_faults("excs")
        exctl(site, "up", "--yes")
    is_well(site)
    line, then = "the sync has stood still", "`exctl up`, with the same EXCS"
    faced(request, fault, run.stderr, line, code=1, then=then)


@pytest.mark.parametrize(
    ("secret", "fault", "check"),
    [
        ("redisPassword", "password-redis", "redis-login"),
        ("oauthClientSecret", "password-cloud", "genesys-cloud-login"),
    ],
)
def test_a_wrong_password_is_refused_before_anything_is_touched(
    deployed: Site, request: pytest.FixtureRequest, secret: str, fault: str, check: str
) -> None:
    site, before = deployed, deployed.container_ids()
    with costing_nothing(site, request):
        run = exctl(site, "rotate", secret, "--yes", code=1, text="not-the-password\n")
    assert run.stderr.endswith("Nothing was touched.\n")
    assert site.container_ids() == before
    stops = f"the preflight stops this: {check}"
    faced(request, fault, run.stderr, stops, code=1, then="nothing was touched")


def test_an_sshd_that_takes_one_session_a_connection(
    deployed: Site, request: pytest.FixtureRequest
) -> None:
    site = deployed
    with (
        sshd_with(site.host("excp-1-1"), "MaxSessions 1"),
        sshd_with(site.host("excp-1-2"), "MaxSessions 1"),
        costing_nothing(site, request),
    ):
        run = exctl(site, *RESTART)
    is_well(site)
    faced(
        request, "sshd-limits", run.stderr, "MaxSessions", code=0, then="by itself, with a warning"
    )


def test_a_full_disk_of_the_operators_state(deployed: Site, request: pytest.FixtureRequest) -> None:
    site = deployed
    with costing_nothing(site, request):
        with small_disk(None, site.work.backend, 8):
            run = exctl(site, "restart", "exas", "--yes", code=1)
        exctl(site, "up", "--yes")
    is_well(site)
    faced(
        request, "disk-full-operator", run.stderr, "disk space left", code=1,
        then="`exctl up`, with space again",
    )  # fmt: skip


def test_a_full_disk_for_images(deployed: Site, request: pytest.FixtureRequest) -> None:
    site = deployed
    host = site.host("excp-1-1")
    host.run("docker", "image", "prune", "--all", "--force")
    with costing_nothing(site, request):
        with small_disk(host, host.directory / "docker/tmp", 4):
            run = exctl(site, *UPDATE, code=1)
        exctl(site, "up", "--yes")
    is_well(site)
    faced(
        request, "disk-full-images", run.stderr, "o space left", code=1,
        then="the same command, with space again",
    )  # fmt: skip


def test_a_full_disk_of_the_registry(deployed: Site, request: pytest.FixtureRequest) -> None:
    site, infra = deployed, deployed.lab.hosts["infra"]
    vendors = site.work.directory / "excp-100.0.100.34.tgz"
    vendors.symlink_to(archive(site, "excp", NEW))
    load = ("images", "load", str(vendors), *starting("excp"))
    repository = infra.directory / "registry/docker/registry/v2/repositories/exec/excp"
    infra.run("mkdir", "-p", str(repository / "_uploads"))
    with costing_nothing(site, request):
        with small_disk(infra, repository / "_uploads", 4):
            run = exctl(site, *load, code=1)
        exctl(site, *load)
    then = "the same command, with space again"
    faced(request, "disk-full-registry", run.stderr, "exctl:", code=1, then=then)


def test_a_tenth_of_the_packets_to_a_host_is_lost(
    deployed: Site, request: pytest.FixtureRequest
) -> None:
    site = deployed
    name = site.host("excp-1-1").name
    site.set_fault(name, "loss", share="0.1")
    try:
        with watched(site):  # the probe's packets are lost as well
            run = exctl(site, *RESTART)
    finally:
        site.clear_faults(name)
    is_well(site)
    then = "by itself (the probe's own packets are lost as well)"
    faced(request, "loss", run.stderr, "excp-1-1: healthy", code=0, then=then)


def test_packets_from_a_host_are_delayed(deployed: Site, request: pytest.FixtureRequest) -> None:
    site = deployed
    name = site.host("excp-1-1").name
    site.set_fault(name, "latency", ms="300")
    try:
        began = time.monotonic()
        assert site.codes()["excp-1-1"] == 200
        assert time.monotonic() - began > 0.6  # the connection's answer, and that of HTTP
        with costing_nothing(site, request):
            run = exctl(site, *RESTART)
    finally:
        site.clear_faults(name)
    is_well(site)
    faced(request, "latency", run.stderr, "excp-1-1: healthy", code=0, then="by itself")


def test_a_state_that_is_cut_off_in_the_middle(
    deployed: Site, request: pytest.FixtureRequest
) -> None:
    site, before = deployed, deployed.container_ids()
    state = site.work.backend / ".pulumi/stacks/exec/dev.json"
    whole = state.read_text()
    state.write_text(whole[: len(whole) // 2])
    with costing_nothing(site, request):
        run = exctl(site, *RESTART, code=1)
        assert site.container_ids() == before
        shutil.copy(f"{state}.bak", state)
        exctl(site, "up", "--yes")
    is_well(site)
    faced(
        request,
        "state-truncated",
        run.stderr,
        "can't be read",
        code=1,
        then="Pulumi's own copy of it",
    )


def test_a_host_that_cant_resolve_genesys_cloud(
    deployed: Site, request: pytest.FixtureRequest
) -> None:
    site = deployed
    host = site.host("excs")
    names = host.run("cat", "/etc/hosts")
    host.run("tee", "/etc/hosts", stdin=names.splitlines()[0] + "\n")
    try:
        with costing_nothing(site, request):
            run = exctl(site, "restart", "excs", "--yes", code=1)
    finally:
        host.run("tee", "/etc/hosts", stdin=names)
    assert run.stderr.endswith("Nothing was touched.\n")
    is_well(site)
    stops = "the preflight stops this:"
    faced(request, "dns-fails", run.stderr, stops, code=1, then="nothing was touched")


def test_a_clock_and_a_host_key_that_arent_right_stop_a_run(
    deployed: Site, request: pytest.FixtureRequest
) -> None:
    site, before = deployed, deployed.container_ids()
    name, then = site.host("excp-1-2").name, "nothing was touched"
    site.set_fault(name, "clock", seconds="300")
    try:
        with costing_nothing(site, request):
            run = exctl(site, *RESTART, code=1)
    finally:
        site.clear_faults(name)
    faced(request, "clock-skew", run.stderr, "the preflight stops this: clock", code=1, then=then)
    known_hosts = site.work.directory / ".lab/ssh/known_hosts"
    known = {line.split(" ", 1)[0]: line for line in known_hosts.read_text().splitlines()}
    changed, other = (site.hosts[key] for key in PAIR)
    lines = known | {changed: known[other].replace(other, changed, 1)}
    (site.work.directory / "known_hosts").write_text("\n".join([*lines.values(), ""]))
    site.work.edit("ssh.known_hosts_path", "known_hosts")
    close_connections(site)
    with costing_nothing(site, request):
        run = exctl(site, *RESTART, code=1)
    assert site.container_ids() == before
    line = "another key than before"
    faced(request, "host-key-changed", run.stderr, line, code=1, then=then)
