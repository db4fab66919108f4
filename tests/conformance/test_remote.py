"""Runs commands on a host, and copies to it, over a real sshd on loopback: one login for all of
it, host keys checked, and files where the CLI's provider puts them."""

from __future__ import annotations

import getpass
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conformance.test_golden import ENGINE

PROGRAM = """
import json
from pathlib import Path
import pulumi
from pulumi_command import remote

spec = json.loads(Path("spec.json").read_text())
connection = remote.ConnectionArgs(
    host="127.0.0.1", port=spec["port"], user=spec["user"], host_key=spec["host_key"],
    private_key=Path("key").read_text(), per_dial_timeout=5,
)
said = [
    remote.Command(f"say-{n}", connection=connection, create=f"echo {n} $WORD",
                   environment={"WORD": "hi"}, add_previous_output_in_env=False)
    for n in range(spec.get("commands", 0))
]
for name, (source, target) in spec.get("copies", {}).items():
    path = Path(source)
    wrapped = pulumi.FileArchive(source) if path.is_dir() else pulumi.FileAsset(source)
    remote.CopyToRemote(name, connection=connection, source=wrapped, remote_path=target)
pulumi.export("said", [s.stdout for s in said])
"""


@dataclass
class Host:
    """An sshd of the test's own, and a project that reaches it."""

    directory: Path
    port: int
    host_key: str

    def up(self, code: int = 0, **spec: object) -> str:
        """What `up` said."""
        base = {"port": self.port, "user": getpass.getuser(), "host_key": self.host_key}
        (self.directory / "spec.json").write_text(json.dumps(base | spec))
        return self.pulumi("up", "--yes", "--skip-preview", code=code)

    def pulumi(self, *arguments: str, code: int = 0) -> str:
        done = subprocess.run(
            [str(ENGINE / "pulumi"), *arguments],
            cwd=self.directory / "below",  # the operator needn't stand where the program runs
            env={
                **os.environ,
                "PULUMI_BACKEND_URL": f"file://{self.directory}/state",
                "PULUMI_CONFIG_PASSPHRASE": "word",
                "PULUMI_PYTHON_CMD": sys.executable,
                "PULUMI_HOME": str(self.directory / "home"),
            },
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    @property
    def logins(self) -> int:
        return (self.directory / "sshd.log").read_text().count("Accepted publickey")


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    sshd = shutil.which("sshd") or "/usr/sbin/sshd"
    if not Path(sshd).is_file() or shutil.which("sftp") is None:
        pytest.skip("needs OpenSSH's sshd and sftp")
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    for name in ("host_key", "key"):
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / name], check=True
        )
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings = {
        "ListenAddress": f"127.0.0.1:{port}",
        "HostKey": tmp_path / "host_key",
        "AuthorizedKeysFile": tmp_path / "key.pub",
        "PidFile": "none",
        "StrictModes": "no",
        "AcceptEnv": "WORD",
        "PermitRootLogin": "prohibit-password",
        "Subsystem": "sftp internal-sftp",
    }
    (tmp_path / "sshd_config").write_text("".join(f"{k} {v}\n" for k, v in settings.items()))
    for name in ("state", "below"):
        (tmp_path / name).mkdir()
    (tmp_path / "Pulumi.yaml").write_text("name: p\nruntime: python\n")
    (tmp_path / "__main__.py").write_text(PROGRAM)
    (tmp_path / "sshd.log").touch()
    words = [sshd, "-D", "-f", str(tmp_path / "sshd_config"), "-E", str(tmp_path / "sshd.log")]
    server = subprocess.Popen(words)
    try:
        deadline = time.monotonic() + 10
        while "listening" not in (tmp_path / "sshd.log").read_text(errors="replace").lower():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        key = " ".join((tmp_path / "host_key.pub").read_text().split()[:2])
        found = Host(tmp_path, port, key)
        found.pulumi("stack", "init", "dev")
        yield found
    finally:
        server.terminate()
        server.wait(10)


def test_commands_and_copies_of_a_run_share_one_login(host: Host) -> None:
    (host.directory / "a.txt").write_text("a")
    target = host.directory / "far/away/b.txt"
    shown = host.up(commands=12, copies={"one": ("a.txt", str(target))})
    told = re.findall(r"say-(\d+) creating \(\d+s\) (.*)\n", shown)  # as in golden 28
    assert {(f"{n}", f"{n} hi") for n in range(12)} <= set(told)
    said = json.loads(host.pulumi("stack", "output", "said", "--json"))
    assert said == [f"{n} hi" for n in range(12)]
    assert target.read_text() == "a"
    assert host.logins == 1
    text = (host.directory / "state/.pulumi/stacks/p/dev.json").read_text()
    assert "PRIVATE KEY" not in text


def test_copies_land_where_the_provider_puts_them(host: Host) -> None:
    far = host.directory / "far"
    (far / "there").mkdir(parents=True)
    source = host.directory / 'so "u*r\\ce'
    (source / "in").mkdir(parents=True)
    (source / "in/deep.txt").write_text("deep")
    (source / "x.txt").write_text("x")
    name = source.name
    copies = {
        "file-into-directory": (f"{name}/x.txt", f"{far}/there"),
        "file-as-name": (f"{name}/x.txt", f"{far}/new/name.txt"),
        "directory": (name, f"{far}/whole"),
        "content": (f"{name}/", f"{far}/content"),
    }
    host.up(copies=copies)
    assert (far / "there/x.txt").read_text() == "x"
    assert (far / "new/name.txt").read_text() == "x"
    assert (far / "whole" / name / "in/deep.txt").read_text() == "deep"
    assert (far / "content/in/deep.txt").read_text() == "deep"
    assert host.logins == 1


def test_a_copy_is_made_again_only_when_content_or_place_changes(host: Host) -> None:
    source, far = host.directory / "a.txt", host.directory / "far"
    source.write_text("1")
    host.up(copies={"one": ("a.txt", f"{far}/b.txt")})
    before = host.logins
    (far / "b.txt").unlink()
    assert "1 unchanged" not in host.up(copies={"one": ("a.txt", f"{far}/b.txt")})
    assert not (far / "b.txt").exists()
    assert host.logins == before
    source.write_text("2")
    host.up(copies={"one": ("a.txt", f"{far}/b.txt")})
    assert (far / "b.txt").read_text() == "2"
    host.up(copies={"one": ("a.txt", f"{far}/c.txt")})
    assert (far / "c.txt").read_text() == "2"
    host.pulumi("destroy", "--yes", "--skip-preview")
    assert (far / "c.txt").exists()  # as with the CLI: a deleted copy stays where it is


def test_a_host_with_another_key_than_the_given_one_is_not_let_near(host: Host) -> None:
    (host.directory / "a.txt").write_text("a")
    host.host_key = " ".join((host.directory / "key.pub").read_text().split()[:2])
    said = host.up(code=1, copies={"one": ("a.txt", f"{host.directory}/b.txt")})
    assert "127.0.0.1" in said
    assert "verification failed" in said
    assert host.logins == 0
    assert not (host.directory / "b.txt").exists()


def test_a_copy_that_fails_says_why_and_of_what(host: Host) -> None:
    (host.directory / "a.txt").write_text("a")
    said = host.up(code=1, copies={"one": ("a.txt", "/proc/nothing/b.txt")})
    assert "copying a.txt to /proc/nothing/b.txt" in said
