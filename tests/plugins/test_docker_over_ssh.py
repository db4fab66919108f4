"""The docker plugin reaches hosts over one SSH connection, and says well what is wrong."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.plugins.cli import Project
from tests.plugins.daemon import Daemon
from tests.plugins.processes import wait_until
from tests.plugins.sshd import Sshd, free_port

pytestmark = pytest.mark.docker
PROGRAM = """
import pulumi, pulumi_docker as docker
host = docker.Provider("host", host="{url}", ssh_opts={options})
on_host = pulumi.ResourceOptions(provider=host)
image = docker.RemoteImage("image", name="golden:1", keep_locally=True, opts=on_host)
for number in range({count}):
    docker.Container(f"c{{number}}", image=image.image_id, name=f"c{{number}}",
        command=["sleep", "1000"], destroy_grace_seconds=1, opts=on_host)
"""


class Site:
    """A project whose one host is reached through an sshd."""

    def __init__(self, work: Path, sshd: Sshd, daemon: Daemon) -> None:
        self.project = Project(work / "p")
        self.sshd, self.daemon = sshd, daemon
        self._temporary = Path(tempfile.mkdtemp(prefix="t", dir="/tmp"))
        self.project.variables["TMPDIR"] = str(self._temporary)

    @property
    def name(self) -> str:
        return f"root@127.0.0.1:{self.sshd.port}"

    def connections(self) -> list[Path]:
        """The directories of shared connections."""
        return list(self._temporary.glob("pulumi-hosts-*"))

    def has_no_connection(self) -> bool:
        """True as soon as there is none, within ten seconds."""
        deadline = time.monotonic() + 10
        while self.connections():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.1)
        return True

    def has_login(self) -> bool:
        """True while an ssh of ours is at the host."""
        words = ["pgrep", "-f", f"ssh .*ControlMaster=yes.* -p {self.sshd.port} "]
        return subprocess.run(words, capture_output=True).returncode == 0

    def write(self, *more: str, count: int = 3, url: str = "") -> None:
        url = url or f"ssh://{self.name}{self.daemon.socket}"
        options = [*more, *self.sshd.options]
        self.project.program(PROGRAM.format(url=url, options=options, count=count))


@pytest.fixture
def sshd(tmp_path: Path) -> Iterator[Sshd]:
    found = Sshd(tmp_path / "sshd")
    yield found
    found.stop()


@pytest.fixture
def site(tmp_path: Path, sshd: Sshd, clean_daemon: Daemon) -> Site:
    return Site(tmp_path, sshd, clean_daemon)


def test_a_run_logs_in_once_and_leaves_nothing(site: Site) -> None:
    site.write()
    assert (done := site.project.up()).code == 0, done.text
    assert site.sshd.logins == 1
    assert sorted(site.daemon.names()) == ["c0", "c1", "c2"]
    assert (done := site.project.run("preview", "--expect-no-changes")).code == 0, done.text
    assert site.sshd.logins == 1  # nothing was to do there
    assert site.project.run("refresh", "--yes", "--skip-preview", "--expect-no-changes").code == 0
    assert site.sshd.logins == 2
    assert site.project.run("destroy", "--yes", "--skip-preview").code == 0
    assert site.daemon.names() == []
    assert site.has_no_connection()


def test_a_host_that_is_not_there_is_named_with_sshs_own_words(site: Site) -> None:
    port = free_port()
    site.write(url=f"ssh://root@127.0.0.1:{port}")
    done = site.project.run("preview")
    assert done.code != 0
    assert f"root@127.0.0.1:{port}: " in done.text
    assert "Connection refused" in done.text


def test_a_refused_key_is_said_in_sshs_own_words(site: Site) -> None:
    (site.sshd.folder / "authorized").write_text("")
    site.write()
    done = site.project.run("preview")
    assert done.code != 0
    assert f"{site.name}: " in done.text
    assert "Permission denied (publickey" in done.text


def test_an_unknown_host_key_is_said_in_sshs_own_words(site: Site) -> None:
    (site.sshd.folder / "known").write_text("")
    site.write()
    done = site.project.run("preview")
    assert done.code != 0
    assert "Host key verification failed" in done.text


def test_a_daemon_that_is_not_there_is_named(site: Site) -> None:
    site.write(url=f"ssh://{site.name}/no/such/docker.sock")
    done = site.project.run("preview")
    assert done.code != 0
    assert f"{site.name}/no/such/docker.sock: " in done.text
    assert "failed to connect to any docker daemon: " in done.text
    assert "dial unix /no/such/docker.sock: connect: no such file or directory" in done.text


def test_an_ssh_config_of_the_operator_does_not_break_it(site: Site, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        config = tmp_path / "ssh config"
        config.write_text(
            "Host *\n RemoteCommand uptime\n RequestTTY force\n LogLevel QUIET\n"
            f" LocalForward {taken.getsockname()[1]} localhost:1\n ExitOnForwardFailure yes\n"
            " PermitLocalCommand yes\n LocalCommand exit 1\n ControlMaster no\n"
            " ControlPath none\n StdinNull no\n SessionType default\n"
            " ForkAfterAuthentication no\n"
        )
        site.write("-F", str(config))
        assert (done := site.project.up()).code == 0, done.text
    assert site.sshd.logins == 1
    (site.sshd.folder / "authorized").write_text("")
    done = site.project.run("refresh", "--yes", "--skip-preview")
    assert "Permission denied" in done.text  # though its LogLevel is QUIET


def test_a_host_whose_sshd_forwards_nothing_is_reached_in_spite_of_what_its_shell_prints(
    tmp_path: Path, clean_daemon: Daemon
) -> None:
    noisy = "sh -c 'echo Welcome to a noisy shell; eval \"$SSH_ORIGINAL_COMMAND\"'"
    sshd = Sshd(tmp_path / "sshd", f"DisableForwarding yes\nForceCommand {noisy}\n")
    try:
        site = Site(tmp_path, sshd, clean_daemon)
        site.write()
        assert (done := site.project.up()).code == 0, done.text
        assert sshd.logins == 1
        assert sorted(clean_daemon.names()) == ["c0", "c1", "c2"]
    finally:
        sshd.stop()


def test_a_daemon_that_stands_still_ends_the_run(site: Site) -> None:
    site.write(count=1)
    assert (done := site.project.up()).code == 0, done.text
    site.daemon.freeze()
    begun = time.monotonic()
    done = site.project.run("refresh", "--yes", "--skip-preview")
    site.daemon.thaw()
    assert done.code != 0
    assert f"{site.name}" in done.text
    assert "SSH answers, Docker on it doesn't, for 15 s" in done.text, done.text
    assert time.monotonic() - begun < 60


def test_a_killed_run_leaves_no_connection(site: Site) -> None:
    site.write(count=1)
    assert site.project.up().code == 0
    site.write("-v", count=1)  # another provider setting, and a stop that takes its time
    site.project.program(
        (site.project.directory / "__main__.py").read_text().replace("1000", "1001")
    )
    run = site.project.start("up", "--yes", "--skip-preview")
    deadline = time.monotonic() + 60
    while not site.connections():
        assert time.monotonic() < deadline
        assert run.poll() is None, run.communicate()
        time.sleep(0.02)
    os.killpg(run.pid, signal.SIGKILL)
    run.communicate()
    assert site.has_no_connection()
    wait_until(lambda: not site.has_login(), "the login that was under way ends")
