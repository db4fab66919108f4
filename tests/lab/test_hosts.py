"""Stories of hosts that aren't as one would wish: a login that prints, a daemon that hangs, an
operator's own ssh_config. What is asked of them is answered all the same, or it is said why not."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lab import settings
from tests.lab.conftest import HOSTS, Site
from tests.lab.test_preflight import close_connections, doctor, of
from tests.lab.workspace import STACK, Run

pytestmark = [pytest.mark.lab, pytest.mark.long]


@pytest.fixture(scope="module")
def deployed(site: Site) -> Site:
    site.work.edit("excs.sync_gate.interval_seconds", 0.2)
    site.work.up()
    return site


def exctl(site: Site, *words: str) -> Run:
    run = site.work.exctl(*words, "--stack", STACK)
    assert "Traceback" not in run.text, run.text
    return run


@contextmanager
def login_that_prints(site: Site, key: str) -> Iterator[None]:
    """A .bashrc that greets on both streams, without a line end, and points Docker elsewhere."""
    path = site.host(key).directory / "home/.bashrc"
    path.write_text(
        "echo welcome; printf 'have a nice day'; echo 'mesg: not a tty' >&2\n"
        "export DOCKER_HOST=tcp://192.0.2.1:2375\n"
    )
    try:
        yield
    finally:
        path.unlink()


@contextmanager
def login_by_tcsh(site: Site, key: str) -> Iterator[None]:
    """A shell that understands no `2>&1`, and whose start-up file is as loud."""
    host = site.host(key)
    before = host.run("cat", "/etc/passwd")
    path = host.directory / "home/.cshrc"
    path.write_text("echo welcome\nsetenv DOCKER_HOST tcp://192.0.2.1:2375\n")
    host.run("tee", "/etc/passwd", stdin=before.replace("/home:/bin/bash", "/home:/bin/tcsh"))
    close_connections(site)  # sshd asks for the shell when somebody logs in
    try:
        assert "tcsh" in host.run("getent", "passwd", settings.USER)
        yield
    finally:
        path.unlink()
        host.run("tee", "/etc/passwd", stdin=before)
        close_connections(site)


@contextmanager
def frozen_docker(site: Site, key: str) -> Iterator[None]:
    host = site.host(key)
    daemon = host.run("pgrep", "-o", "dockerd").strip()
    host.run("kill", "-STOP", daemon)
    try:
        yield
    finally:
        host.run("kill", "-CONT", daemon)


def test_a_login_that_prints_changes_nothing_but_a_warning(deployed: Site) -> None:
    host = deployed.hosts["exas"]
    with login_that_prints(deployed, "exas"):
        found = of(doctor(deployed), "login-shell", host)
        assert [row["found"] for row in found] == [
            "the login sets DOCKER_HOST to tcp://192.0.2.1:2375",
            "the login prints: welcome have a nice day",
        ]
        drift = exctl(deployed, "drift")
        assert drift.code == 0, drift.text
        images = exctl(deployed, "images", "list", "--json")
        assert host in images.stdout
        assert exctl(deployed, "report").code == 0
        logged = exctl(deployed, "logs", "exas")
        assert (logged.code, "welcome" in logged.text) == (0, False)
        before = deployed.container_id_on_host("exas")
        restart = exctl(deployed, "restart", "exas", "--yes")
        assert restart.code == 0, restart.text
        assert deployed.container_id_on_host("exas") != before


def test_a_login_shell_that_isnt_of_the_bourne_kind_changes_nothing(deployed: Site) -> None:
    host, before = deployed.hosts["exas"], deployed.container_id_on_host("exas")
    with login_by_tcsh(deployed, "exas"):
        found = of(doctor(deployed), "login-shell", host)
        assert [row["found"] for row in found] == [
            "the login sets DOCKER_HOST to tcp://192.0.2.1:2375",
            "the login prints: welcome",
        ]
        assert exctl(deployed, "drift").code == 0
        assert exctl(deployed, "logs", "exas").code == 0
        restart = exctl(deployed, "restart", "exas", "--yes")
        assert restart.code == 0, restart.text
    assert deployed.container_id_on_host("exas") != before


def test_what_an_auditor_would_object_to_is_told_with_its_remedy(deployed: Site) -> None:
    exas, host = deployed.hosts["exas"], deployed.host("exas")

    def told() -> dict[tuple[str, str | None], str]:
        found = json.loads(exctl(deployed, "doctor", "--security", "--json").stdout)
        assert all(each["why"] for each in found)
        return {(each["point"], each["host"]): each["verdict"] for each in found}

    before = told()
    assert before["redis-tls", None] == before["passphrase", None] == "warning"
    assert before["ssh-passwords", exas] == before["docker-socket", exas] == "passed"
    assert before["service-port", exas] == "unknown"
    host.run("chmod", "666", "/run/docker.sock")
    try:
        assert told() == before | {("docker-socket", exas): "warning"}
    finally:
        host.run("chmod", "660", "/run/docker.sock")


def test_a_container_may_do_less_where_the_stack_file_says_so(deployed: Site) -> None:
    hardening = {
        "no_new_privileges": True,
        "drop_capabilities": ["NET_RAW", "MKNOD"],
        "read_only": True,
        "tmpfs": ["/tmp"],
    }
    before = deployed.stack_file.read_text()
    deployed.work.edit("exas.hardening", hardening)
    try:
        assert exctl(deployed, "up", "--yes").code == 0
        host_config = deployed.inspect("exas")["HostConfig"]
        assert host_config["ReadonlyRootfs"] is True
        assert sorted(host_config["CapDrop"]) == ["MKNOD", "NET_RAW"]
        assert "no-new-privileges" in host_config["SecurityOpt"]
        assert host_config["Tmpfs"] == {"/tmp": ""}
        assert deployed.codes()["exas"] == 200
        again = exctl(deployed, "preview")
        assert "plan: no container is touched" in again.text
    finally:
        deployed.stack_file.write_text(before)
    assert exctl(deployed, "up", "--yes").code == 0


def test_an_ssh_config_of_the_operators_own_breaks_nothing(
    deployed: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "config"
    config.write_text(
        "Host *\n  RemoteCommand tmux attach\n  RequestTTY force\n  StdinNull yes\n"
        "  LocalForward 127.0.0.1:22 127.0.0.1:22\n  ExitOnForwardFailure yes\n"
        "  SessionType none\n  ForkAfterAuthentication yes\n  LogLevel QUIET\n"
        "  PermitLocalCommand yes\n  LocalCommand echo hello\n"
    )
    ssh = tmp_path / "ssh"
    ssh.write_text(f'#!/bin/sh\nexec /usr/bin/ssh -F {config} "$@"\n')
    ssh.chmod(0o755)
    monkeypatch.setitem(
        deployed.work.variables, "PATH", f"{tmp_path}:{deployed.work.environment['PATH']}"
    )
    close_connections(deployed)
    assert not [row for row in doctor(deployed) if row["verdict"] != "passed" and not row["waived"]]
    assert exctl(deployed, "drift").code == 0


def test_a_daemon_that_hangs_holds_nobody_and_is_told_from_ssh_that_is_down(
    deployed: Site,
) -> None:
    exas, gone = deployed.hosts["exas"], deployed.hosts["excp-1-2"]
    deployed.set_fault("exec-4", "ssh-dropped")
    close_connections(deployed)
    try:
        with frozen_docker(deployed, "exas"):
            logged = exctl(deployed, "logs", "--tail", "1")
            assert logged.code == 1
            assert logged.seconds < 45
            lines = logged.stdout.splitlines()
            assert {line.split()[0] for line in lines} == {"excs", "excp-1-1"}
            told = f"exas on {exas}: SSH answers, Docker on it doesn't, for 15 s"
            assert f"not shown: {told}" in logged.stderr
            assert f"not shown: excp-1-2 on {gone}: ssh: " in logged.stderr
            drift = exctl(deployed, "drift")
            assert "SSH answers, Docker on it doesn't, for 15 s" in drift.stdout
    finally:
        deployed.clear_faults("exec-4")


def test_following_logs_goes_on_over_a_container_that_is_replaced(deployed: Site) -> None:
    following = deployed.work.start(
        "exctl", "logs", "exas", "--follow", "--json", "--since", "1s", "--stack", STACK
    )
    try:
        before = deployed.container_id_on_host("exas")
        assert exctl(deployed, "restart", "exas", "--yes").code == 0
        assert deployed.container_id_on_host("exas") != before
        started = deployed.started_at("exas")
        time.sleep(4)
        os.killpg(following.pid, signal.SIGINT)
        stdout, _ = following.communicate(timeout=10)
    finally:
        following.kill()
    lines = [json.loads(line) for line in stdout.splitlines()]
    assert [line for line in lines if line["at"] > started], stdout
    assert len({(line["at"], line["text"]) for line in lines}) == len(lines)


@pytest.mark.parametrize(
    "words", [("--since", "yesterday"), ("--grep", "("), ("--tail", "-3")], ids=str
)
def test_what_logs_cant_mean_is_refused(deployed: Site, words: tuple[str, str]) -> None:
    run = exctl(deployed, "logs", *words)
    assert run.code == 2, run.text
    assert run.stdout == ""


def test_every_host_has_an_identity_of_its_own(deployed: Site) -> None:
    assert len(of(doctor(deployed), "same-host")) == len(HOSTS)
