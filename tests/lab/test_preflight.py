"""Stories of the preflight: what is wrong with a site, told before anything is touched.

Proves each finding against the real thing (sshd, Docker, registry, Redis, PostgreSQL, TLS); the
words of all findings are in tests/unit/health/test_checks.py. Several faults are set at once, since
all of them are to be told at once.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import docker
import pytest

from lab import settings
from stack.ssh import CONTROL_PATH
from tests.lab.conftest import HOSTS, Site
from tests.lab.secret_watch import SecretWatch
from tests.lab.workspace import STACK, Run

pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("no_images")]

Row = dict[str, Any]


def doctor(site: Site, code: int = 0) -> list[Row]:
    """The findings; the run must end with this code, and tell no secret."""
    run = site.work.exctl("doctor", "--json", "--stack", STACK)
    assert run.code == code, run.text
    tells_nothing(site, run)
    found = json.loads(run.stdout)
    assert isinstance(found, list)
    return found


def tells_nothing(site: Site, run: Run) -> None:
    assert "Traceback" not in run.text
    for secret in site.secrets:
        assert secret not in run.text


def stopping(rows: list[Row], site: Site) -> set[tuple[str, str]]:
    """(check, instance) of each finding that stops."""
    names = {host: key for key, host in site.hosts.items()}
    return {(row["check"], names.get(row["host"], "")) for row in rows if row["stops"]}


def of(rows: list[Row], check: str, host: str | None = None) -> list[Row]:
    return [row for row in rows if row["check"] == check and host in (None, row["host"])]


def snapshot(site: Site) -> dict[str, list[str]]:
    """All that a check could have left on the hosts: containers, images, files, listeners."""
    found = {}
    for key in HOSTS:
        host = site.host(key)
        texts = [
            host.run("docker", "ps", "-aq"),
            host.run("docker", "images", "-aq"),
            host.run(
                "find",
                str(host.directory / "home"),
                "/var/log",
                "/run/lock",
                "-printf",
                "%p %s %T@\\n",
            ),
            host.run("ss", "-Hltn"),
        ]
        found[key] = texts
    return found


def close_connections(site: Site) -> None:
    """Ends the shared connections, so that the next ssh logs in again."""
    for host in site.hosts.values():
        site.work.run("ssh", "-o", f"ControlPath={CONTROL_PATH}", "-O", "exit", f"genesys@{host}")


@contextmanager
def faults(site: Site, *set_of: tuple[str, str, Mapping[str, str]]) -> Iterator[None]:
    try:
        for target, name, parameters in set_of:
            site.set_fault(target, name, **parameters)
        yield
    finally:
        for target, _, _ in set_of:
            site.clear_faults(target)


@contextmanager
def sshd_with(site: Site, key: str, line: str) -> Iterator[None]:
    """The host's sshd with one more line in its config."""
    host = site.host(key)
    config = host.directory / "sshd_config"
    before = config.read_text()

    def reload(text: str) -> None:
        config.write_text(text)
        host.run("pkill", "-HUP", "-f", f"sshd -D -e -f {config}")
        close_connections(site)

    try:
        reload(f"{before}{line}\n")
        yield
    finally:
        reload(before)


@contextmanager
def edited(site: Site) -> Iterator[None]:
    """The stack file is put back as it was."""
    before = site.stack_file.read_text()
    try:
        yield
    finally:
        site.stack_file.write_text(before)


def test_a_site_that_is_ready_passes_and_nothing_on_it_has_changed(site: Site) -> None:
    before = snapshot(site)
    started = time.monotonic()
    rows = doctor(site)
    print(f"{len(rows)} checks of {len(HOSTS)} hosts in {time.monotonic() - started:.1f} s")
    assert not [row for row in rows if row["verdict"] != "passed" and not row["waived"]]
    assert {row["host"] for row in rows} == {None, *site.hosts.values()}
    for check in ("redis-login", "genesys-cloud-tls", "registry-login", "image", "ssh-login"):
        assert len(of(rows, check)) == len(HOSTS), check
    for check in ("config-db-login", "genesys-cloud-login"):
        assert len(of(rows, check)) == 1, check
    assert snapshot(site) == before


def test_wrong_passwords_of_every_kind_are_told_and_seen_nowhere_else(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = {
        name: f"wrong-{name}-{time.time_ns()}"
        for name in ("redisPassword", "configDbPassword", "registryPassword", "oauthClientSecret")
    }
    before = snapshot(site)
    with edited(site):
        for name, value in wrong.items():
            site.work.secret(name, value)
        monkeypatch.setenv("TMPDIR", str(tmp_path))
        with SecretWatch(wrong.values(), tmp_path) as watch:
            run = site.work.exctl("doctor", "--json", "--stack", STACK)
    assert run.code == 4, run.text
    each, once = ("redis-login", "registry-login"), ("config-db-login", "genesys-cloud-login")
    expected = {(check, key) for check in each for key in HOSTS}
    expected |= {(check, "excs") for check in once}
    assert stopping(json.loads(run.stdout), site) == expected
    assert not [value for value in wrong.values() if value in run.text]
    assert watch.looks > 10
    assert watch.found == set()
    assert snapshot(site) == before


def test_what_stops_it_ends_an_up_before_anything_is_touched(site: Site) -> None:
    with edited(site):
        site.work.edit("excp.pairs.1.tag", "100.0.100.99")
        run = site.work.exctl("up", "--yes", "--stack", STACK)
    assert run.code == 1, run.text
    tells_nothing(site, run)
    assert "the preflight stops this: image." in run.stderr
    assert "Nothing was touched." in run.stderr
    assert "the registry has no such image" in run.stderr
    assert {key: site.containers(key) for key in HOSTS} == {key: [] for key in HOSTS}
    assert all(not site.docker(key, "images", "-q") for key in HOSTS)


def test_a_host_that_is_down_and_keys_that_are_wrong_are_told_apart(site: Site) -> None:
    known = (site.work.directory / ".lab/ssh/known_hosts").read_text().splitlines()
    excs, _, first, second = site.hosts.values()
    lines = [line for line in known if not line.startswith((f"{first} ", f"{second} "))]
    (other,) = (line.split(" ", 1)[1] for line in known if line.startswith(f"{excs} "))
    (site.work.directory / "known_hosts").write_text("\n".join([*lines, f"{second} {other}", ""]))
    with edited(site), faults(site, ("exec-2", "ssh-dropped", {})):
        site.work.edit("ssh.known_hosts_path", "known_hosts")
        close_connections(site)
        rows = doctor(site, 4)
    assert stopping(rows, site) == {
        ("ssh-login", "exas"),
        ("ssh-host-key", "excp-1-1"),
        ("ssh-host-key", "excp-1-2"),
    }
    assert "isn't known here" in of(rows, "ssh-host-key", first)[0]["found"]
    assert "another key than before" in of(rows, "ssh-host-key", second)[0]["found"]
    assert "not reached" in of(rows, "ssh-login", site.hosts["exas"])[0]["found"]
    with edited(site):
        site.work.edit("ssh.user", "nobody")
        rows = doctor(site, 4)
    assert "it refuses the key" in of(rows, "ssh-login", excs)[0]["found"]


def test_what_is_in_the_way_on_the_hosts_is_named(site: Site) -> None:
    clock = ("exec-4", "clock", {"seconds": "300"})
    exas, squatted = site.host("exas"), site.host("excp-1-1")
    exas.run("docker", "import", "-", "tiny", stdin="\0" * 1024)
    exas.run(
        "docker",
        "create",
        "--name",
        "exas",
        "--label",
        "com.docker.compose.project=exec",
        "tiny",
        "x",
    )
    squatted.start_command("squatter", ["python3", "-m", "http.server", "3650"])
    try:
        with faults(site, ("exec-1", "disk-full", {}), clock):
            rows = doctor(site, 4)
            with edited(site):
                waiver = f"waive:\n      container-name@{site.hosts['exas']}: as agreed"
                site.stack_file.write_text(site.stack_file.read_text().replace("waive:", waiver))
                waived = doctor(site, 4)
    finally:
        squatted.end_command("http.server 3650")
        exas.run("docker", "rm", "exas")
        exas.run("docker", "rmi", "tiny")
    told = {
        ("log-space", "excs"),
        ("container-name", "exas"),
        ("port", "excp-1-1"),
        ("clock", "excp-1-2"),
        ("clock-pair", "excp-1-2"),
    }
    assert stopping(rows, site) == told
    assert stopping(waived, site) == told - {("container-name", "exas")}
    (whose,) = of(rows, "container-name", site.hosts["exas"])
    assert "of the compose project exec: tiny, created" in whose["found"]
    assert "exctl adopt" in whose["fix"]
    assert "taken by a process of root" in of(rows, "port", site.hosts["excp-1-1"])[0]["found"]
    assert "ahead of" in of(rows, "clock-pair")[0]["found"]


def test_what_the_hosts_connect_to_and_its_state_is_told(site: Site) -> None:
    site.redis("replicaof", site.lab.plan.address(99), "6379")
    closed = ("INPUT", *["-p", "tcp", "--dport", "3640", "-j", "DROP"])
    site.host("excs").run("iptables", "-w", "-I", *closed)
    crashed = ("sip-primary", "sip-backup", "stat-backup")
    try:
        with faults(
            site, ("infra", "registry-down", {}), *((name, "crash", {}) for name in crashed)
        ):
            time.sleep(0.5)  # the stand-ins look for their faults every 0.2 s
            rows = doctor(site, 4)
    finally:
        site.redis("replicaof", "no", "one")
        site.host("excs").run("iptables", "-w", "-D", *closed)
    pair = {"excp-1-1", "excp-1-2"}
    assert stopping(rows, site) == {
        *(("redis-state", key) for key in HOSTS),
        *(("registry-reach", key) for key in HOSTS),
        *(("sip-server", key) for key in pair),
        *(("excs-reach", key) for key in {"exas", *pair}),
        ("gate-reach", "excs"),
    }
    assert of(rows, "stat-server")[0]["verdict"] == "warning"
    assert {row["verdict"] for row in of(rows, "image")} == {"unknown"}


def test_a_registry_that_is_down_is_no_matter_where_the_images_are(site: Site) -> None:
    login = {"username": settings.REGISTRY_USER, "password": settings.REGISTRY_PASSWORD}
    for key in HOSTS:
        image = f"{site.lab.plan.registry}/exec/{key.split('-')[0]}"
        with closing(
            docker.DockerClient(f"unix://{site.host(key).root}/run/docker.sock")
        ) as client:
            client.images.pull(image, "100.0.100.11", auth_config=login)
    try:
        rows = doctor(site)
        assert {row["found"] for row in of(rows, "image")} == {"on the host and in the registry"}
        assert {row["verdict"] for row in of(rows, "image-digest")} == {"passed"}
        with faults(site, ("infra", "registry-down", {})):
            rows = doctor(site)
        assert {row["verdict"] for row in of(rows, "registry-reach")} == {"warning"}
        assert {row["verdict"] for row in of(rows, "image")} == {"passed"}
    finally:
        for key in HOSTS:
            image = f"{site.lab.plan.registry}/exec/{key.split('-')[0]}:100.0.100.11"
            site.docker(key, "rmi", image)


def test_an_sshd_that_forwards_nothing_leaves_logins_untried_and_says_so(site: Site) -> None:
    host = site.host("exas")
    with sshd_with(site, "exas", "AllowTcpForwarding no"):
        rows = doctor(site)
    untried = {row["check"] for row in rows if row["verdict"] == "unknown" and not row["waived"]}
    assert untried == {"registry-login", "image", "redis-login", "genesys-cloud-tls"}
    assert {row["host"] for row in rows if "forwards no connection" in row["found"]} == {
        host.address
    }
    assert of(rows, "redis-reach", host.address)[0]["verdict"] == "passed"


def test_gates_that_go_through_ssh_need_an_sshd_that_forwards(site: Site) -> None:
    closed = site.host("exas")
    with edited(site):
        site.work.edit("gate.via", "ssh")
        assert {row["found"] for row in of(doctor(site), "gate-reach")} == {"the way is open"}
        with sshd_with(site, "exas", "DisableForwarding yes"):
            rows = doctor(site, 4)
    assert stopping(rows, site) == {("gate-reach", "exas")}
    (found,) = of(rows, "gate-reach", closed.address)
    assert found["found"] == "the host's sshd forwards no connection"
    assert "AllowTcpForwarding yes" in found["fix"]


def test_a_group_that_was_given_since_holds_at_once(site: Site) -> None:
    host = site.host("exas")
    (groups,) = (host.directory / "files").glob("*-group")
    before = groups.read_text()
    close_connections(site)
    try:
        groups.write_text(before.replace(",genesys", "").replace(":genesys", ":"))
        rows = doctor(site, 4)
        assert stopping(rows, site) == {("docker-access", "exas")}
        (found,) = of(rows, "docker-access", host.address)
        assert found["fix"] == "put it into the group: sudo usermod -aG docker genesys"
    finally:
        groups.write_text(before)
    doctor(site)  # over the connection that is still open the user has its old groups


def test_a_daemon_that_is_stopped_and_one_that_is_frozen_are_told_apart(site: Site) -> None:
    stopped, frozen = site.host("exas"), site.host("excp-1-1")
    daemon = frozen.run("pgrep", "-o", "dockerd").strip()
    frozen.run("kill", "-STOP", daemon)
    hidden = "/run/docker.sock.away"
    stopped.run("mv", "/run/docker.sock", hidden)
    stopped.run("python3", "-c", LISTENS_NO_MORE)
    try:
        rows = doctor(site, 4)
    finally:
        frozen.run("kill", "-CONT", daemon)
        stopped.run("mv", hidden, "/run/docker.sock")
    assert of(rows, "docker-access", stopped.address)[0]["found"] == "the daemon isn't running"
    assert of(rows, "docker-access", frozen.address)[0]["found"] == (
        "SSH answers, Docker on it doesn't, for 5 s"
    )


LISTENS_NO_MORE = (
    "import os, socket; s = socket.socket(socket.AF_UNIX); s.bind('/run/docker.sock');"
    "os.chmod('/run/docker.sock', 0o666)"
)
