"""Stories of gates and guards that see less than they should: what answers isn't ours, or the way
to it is blocked. None takes that for health, nor for a reason to let the last of a pair go.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lab import exec_host
from lab.host import LabHost
from tests.lab.conftest import PAIR, Site
from tests.lab.operator import exctl, waive
from tests.lab.prober import Watch
from tests.lab.workspace import CLONE, STACK

pytestmark = [pytest.mark.lab, pytest.mark.long]


@pytest.fixture(scope="module")
def deployed(site: Site) -> Site:
    path = site.work.environment["PATH"]
    site.work.variables["PATH"] = f"{CLONE / 'plugins/bin'}:{path}"  # for pulumi by itself
    site.work.hurry()
    site.work.edit("gate.deadline_seconds", 30)
    site.work.up()
    return site


@contextmanager
def another_server(host: LabHost, port: int, directory: Path) -> Iterator[None]:
    """A web server on the host that answers 200 to /health, as anybody's may."""
    (directory / "health").write_text('{"status": "UP"}')
    pattern = f"http.server {port}"
    host.start_command("web", ["python3", "-m", *pattern.split(), "--directory", str(directory)])
    try:
        yield
    finally:
        host.end_command(pattern)


@contextmanager
def sshd_with(host: LabHost, line: str) -> Iterator[None]:
    """An sshd with one more line of config, for connections that begin from now on."""
    config = host.directory / "sshd_config"
    before = config.read_text()

    def restarted(text: str) -> None:
        config.write_text(text)
        host.end_command(f"sshd -D -e -f {config}")
        host.run("pkill", "-f", "sshd: genesys", check=False)
        host.start_command("sshd", host.spec_command("sshd"))
        exec_host.ready(host)

    restarted(f"{before}{line}\n")
    try:
        yield
    finally:
        restarted(before)


def test_another_server_on_the_port_is_not_our_instance(deployed: Site, tmp_path: Path) -> None:
    site = deployed
    site.docker("exas", "stop", "-t", "2", "exas")
    with another_server(site.host("exas"), 3630, tmp_path):
        site.wait_until(lambda: site.codes()["exas"] == 200, "the other server")
        found = json.loads(exctl(site, "status", "--json", code=4).stdout)
        (exas,) = (each for each in found["instances"] if each["instance"] == "exas")
        assert (exas["verdict"], exas["http_code"], exas["is_healthy"]) == ("foreign", 200, False)
        said = exctl(site, "status", code=4).stdout
        assert "HTTP 200, but from another server: its container is exited" in said
        assert "pair 1: redundant, both instances are healthy" in said
        waive(site, "port")
        run = exctl(site, "up", "--yes", code=1)
        assert "this isn't healthy: exas (HTTP 200, but from another server" in run.stderr
    site.docker("exas", "restart", "exas")
    exctl(site, "up", "--yes")
    assert "last run" not in exctl(site, "status").stdout


def test_a_guard_that_is_blind_lets_nothing_go(deployed: Site) -> None:
    site = deployed
    before = site.container_ids()
    site.work.edit("gate.via", "ssh")
    exctl(site, "up", "--yes")
    assert site.container_ids() == before
    site.docker("excp-1-1", "pause", "excp-1-1")
    try:
        host = site.host("excp-1-2")
        with sshd_with(host, "DisableForwarding yes"), Watch(site.health_urls()) as watch:
            waive(site, "gate-reach")
            run = exctl(site, "restart", "excp", "--pair", "1", "--host", "2", "--yes", code=1)
        assert "excp-1-2 was not touched" in run.stderr, run.text
        assert site.container_ids() == before
        assert watch.seconds_without_any([site.url("excp-1-2", "/health")]) == 0
    finally:
        site.docker("excp-1-1", "unpause", "excp-1-1")
        site.work.edit("gate.via", "direct")
    site.wait_until(lambda: set(site.codes().values()) == {200}, "all to answer")
    exctl(site, "up", "--yes")


def test_a_broken_second_instance_is_fixed_first(deployed: Site) -> None:
    site = deployed
    site.docker("excp-1-2", "rm", "--force", "excp-1-2")
    with Watch(site.health_urls()) as watch:
        run = exctl(site, "restart", "excp", "--pair", "1", "--yes")
    plan = run.stderr.partition("plan, in this order:")[2]
    assert plan.index("excp-1-2 on") < plan.index("excp-1-1 on"), run.stderr
    first, second = (watch.answers[site.url(key, "/health")] for key in PAIR)
    gone = min(asked for asked, _, code in first if code != 200)
    assert min(answered for _, answered, code in second if code == 200) < gone
    assert set(site.codes().values()) == {200}
    exctl(site, "restart", "excp", "--pair", "1", "--host", "2", "--yes")
    assert "redundant" in exctl(site, "status").stdout


def test_two_names_of_one_host_make_no_pair(deployed: Site) -> None:
    site = deployed
    first = site.host("excp-1-1")
    alias = f"{site.hosts['excp-1-1'].rpartition('.')[0]}.190"
    first.run("ip", "address", "add", f"{alias}/24", "dev", "eth0")
    known_hosts = site.work.directory / ".lab/ssh/known_hosts"
    text = known_hosts.read_text()
    line = next(each for each in text.splitlines() if each.startswith(f"{first.address} "))
    known_hosts.write_text(f"{text}{line.replace(first.address, alias)}\n")
    stack_file = site.stack_file.read_text()
    with sshd_with(first, f"ListenAddress {alias}"):
        site.work.edit("excp.pairs.1.hosts", [first.address, alias])
        run = site.work.pulumi("up", "--yes", "--skip-preview", "--stack", STACK)
        site.stack_file.write_text(stack_file)
        back = site.work.exctl("up", "--yes", "--stack", STACK)
    known_hosts.write_text(text)
    first.run("ip", "address", "del", f"{alias}/24", "dev", "eth0")
    assert run.code != 0, run.text
    assert f"excp-1-2 on {alias} " in run.text, run.text
    assert "excp-1-2: healthy after" not in run.text
    whys = ("its container was restarted", "from another server", "crashes again and again")
    assert any(why in run.text for why in whys), run.text
    assert back.code == 0, back.text
    assert set(site.codes().values()) == {200}
