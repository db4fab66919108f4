"""Commands on other hosts and copies to them, with a real sshd on this machine."""

from __future__ import annotations

import getpass
import json
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.plugins.cli import Project
from tests.plugins.processes import wait_until

SSHD = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin")
pytestmark = pytest.mark.skipif(
    SSHD is None or os.geteuid() != 0, reason="needs OpenSSH's sshd, and root to run it"
)

PROGRAM = """
import json
from pathlib import Path
import pulumi
from pulumi_command import remote

spec = json.loads(Path("spec.json").read_text())

def connection(more):
    given = {**spec["base"], **more}
    if proxy := given.pop("proxy", None):
        given["proxy"] = remote.ProxyConnectionArgs(**{**spec["base"], **proxy})
    return remote.ConnectionArgs(**given)

for name, given in spec.get("commands", {}).items():
    way = connection(given.pop("connection", {}))
    pulumi.export(name, remote.Command(name, connection=way, **given).stdout)
for name, (source, target) in spec.get("copies", {}).items():
    kinds = {"text": pulumi.StringAsset, "archive": pulumi.FileArchive, "file": pulumi.FileAsset}
    asset = kinds[source[0]](source[1])
    remote.CopyToRemote(name, connection=connection({}), source=asset, remote_path=target)
"""


@dataclass
class Host:
    """An sshd of the test's own, and a project that reaches it."""

    project: Project
    work: Path
    base: dict[str, Any]

    def spec(self, **given: object) -> None:
        """Say what the program shall do."""
        text = json.dumps({"base": self.base, **given})
        (self.project.directory / "spec.json").write_text(text)

    @property
    def logins(self) -> int:
        """How often somebody logged in."""
        return (self.work / "sshd.log").read_text().count("Accepted publickey")


@pytest.fixture
def host(tmp_path: Path, project: Project) -> Iterator[Host]:
    Path("/run/sshd").mkdir(exist_ok=True)
    for name in ("host_key", "key", "other_key"):
        words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / name)]
        subprocess.run(words, check=True)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings = {
        "ListenAddress": f"127.0.0.1:{port}",
        "HostKey": tmp_path / "host_key",
        "AuthorizedKeysFile": tmp_path / "key.pub",
        "PidFile": "none",
        "StrictModes": "no",
        "AcceptEnv": "WORD PULUMI_COMMAND_STDOUT",
        "PermitRootLogin": "prohibit-password",
        "Subsystem": "sftp internal-sftp",
    }
    (tmp_path / "sshd_config").write_text("".join(f"{k} {v}\n" for k, v in settings.items()))
    log = tmp_path / "sshd.log"
    log.touch()
    assert SSHD is not None
    server = subprocess.Popen([SSHD, "-D", "-f", tmp_path / "sshd_config", "-E", log])
    try:
        wait_until(lambda: "listening" in log.read_text().lower(), "sshd listens")
        project.program(PROGRAM)
        base = {
            "host": "127.0.0.1",
            "port": port,
            "user": getpass.getuser(),
            "host_key": (tmp_path / "host_key.pub").read_text().strip(),
            "private_key": (tmp_path / "key").read_text(),
            "per_dial_timeout": 5,
            "dial_error_limit": 1,
        }
        yield Host(project, tmp_path, base)
    finally:
        server.terminate()
        server.wait()


def test_a_remote_commands_life(host: Host) -> None:
    said = {
        "create": "cat; echo $WORD; echo half >&2",
        "update": "echo after $PULUMI_COMMAND_STDOUT",
        "delete": f"touch {host.work}/deleted",
        "stdin": "in ",
        "environment": {"WORD": "hi"},
    }
    host.spec(commands={"c": said})
    done = host.project.up()
    assert done.code == 0, done.text
    row = host.project.rows()["c"]
    assert (row["outputs"]["stdout"], row["outputs"]["stderr"]) == ("in hi", "half")
    assert "PRIVATE KEY" not in json.dumps(host.project.state())
    assert host.project.run("preview", "--expect-no-changes").code == 0
    host.spec(commands={"c": {**said, "stdin": "other"}})
    assert host.project.up().code == 0
    assert host.project.rows()["c"]["outputs"]["stdout"] == "after in hi"
    assert host.project.run("destroy", "--yes", "--skip-preview").code == 0
    assert (host.work / "deleted").exists()


def test_a_connection_goes_through_its_proxy_with_an_encrypted_key(host: Host) -> None:
    words = ["ssh-keygen", "-q", "-p", "-P", "", "-N", "key's word", "-f", str(host.work / "key")]
    subprocess.run(words, check=True)
    locked = {
        "private_key": (host.work / "key").read_text(),
        "private_key_password": "key's word",
    }
    host.spec(
        commands={
            "c": {
                "create": "echo in",
                "connection": {**locked, "proxy": {"user": getpass.getuser()}},
            }
        }
    )
    done = host.project.up()
    assert done.code == 0, done.text
    assert host.logins == 2


@pytest.mark.parametrize(
    ("connection", "said"),
    [
        ({"private_key": "other_key"}, "Permission denied"),
        ({"host_key": "other_key.pub"}, "Host key is not trusted"),
        ({"port": 1}, "127.0.0.1:1: after 1 failed attempts"),
        ({"private_key": "sshd_config"}, "Invalid private key"),
    ],
)
def test_a_host_that_lets_nobody_in_says_why(
    connection: dict[str, Any], said: str, host: Host
) -> None:
    given = {
        key: (host.work / value).read_text() if isinstance(value, str) else value
        for key, value in connection.items()
    }
    host.spec(commands={"c": {"create": "true", "connection": given}})
    done = host.project.up(SSH_AUTH_SOCK="")
    assert done.code == 1
    assert said in done.text
    assert "Traceback" not in done.text


def test_a_command_fails_as_the_remote_one_did(host: Host) -> None:
    host.spec(commands={"c": {"create": "echo half; exit 3"}})
    done = host.project.up()
    assert done.code == 1
    assert 'Process exited with status 3: running "echo half; exit 3":' in done.text


def test_a_variable_that_sshd_keeps_back_stops_the_command(host: Host) -> None:
    host.spec(commands={"c": {"create": f"touch {host.work}/ran", "environment": {"OTHER": "x"}}})
    done = host.project.up()
    assert done.code == 1
    assert 'could not set environment variable "OTHER"' in done.text
    assert not (host.work / "ran").exists()


def test_many_commands_at_once_are_not_turned_away(host: Host) -> None:
    # With the tries that there are by default: sshd counts who is gone longer than we do.
    each = {"connection": {"dial_error_limit": 10}}
    host.spec(commands={f"c{n}": {"create": f"echo {n}", **each} for n in range(24)})
    done = host.project.up("--parallel", "24")
    assert done.code == 0, done.text


def test_files_arrive_where_the_official_plugin_puts_them(host: Host) -> None:
    source, target = host.work / "source", host.work / "target"
    (source / "below").mkdir(parents=True)
    (source / "below/file").write_text("deep")
    (source / "file").write_text("flat")
    (target / "there").mkdir(parents=True)
    host.spec(
        copies={
            "file": (("file", f"{source}/file"), f"{target}/new/name"),
            "into": (("file", f"{source}/file"), f"{target}/there"),
            "folder": (("archive", f"{source}"), f"{target}/folder"),
            "inside": (("archive", f"{source}/"), f"{target}/inside"),
            "text": (("text", "some text"), f"{target}/more/text"),
        }
    )
    done = host.project.up()
    assert done.code == 0, done.text
    found = {
        str(path.relative_to(target)): path.read_text()
        for path in target.rglob("*")
        if path.is_file()
    }
    assert found == {
        "new/name": "flat",
        "there/file": "flat",
        "folder/source/file": "flat",
        "folder/source/below/file": "deep",
        "inside/file": "flat",
        "inside/below/file": "deep",
        "more/text": "some text",
    }
    assert host.project.run("preview", "--expect-no-changes").code == 0
    host.spec(copies={"text": (("text", "other text"), f"{target}/more/text")})
    assert host.project.up().code == 0
    assert (target / "more/text").read_text() == "other text"


def test_a_text_is_not_copied_onto_a_directory(host: Host) -> None:
    host.spec(copies={"text": (("text", "some text"), str(host.work))})
    done = host.project.up()
    assert done.code == 1
    assert f"remote path {host.work} is a directory" in done.text
