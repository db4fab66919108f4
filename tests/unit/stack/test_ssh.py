"""How ssh is told of a host: paths, ports, users, and what an operator's ssh_config may not change.

`ssh -G` says what OpenSSH makes of it; no host is asked.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from config_schema import Ssh
from stack.ssh import OURS, ssh_target


def settings(ssh: Ssh, host: str = "exec-1", config: str = "") -> dict[str, str]:
    """What OpenSSH would do, by its names in lower case."""
    command = ssh_target(ssh, host).command
    said = subprocess.run(
        [*command[:-1], "-F", config or "none", "-G", command[-1]],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return dict(line.partition(" ")[::2] for line in said.splitlines())


def test_a_host_of_its_own_has_its_own_user_port_and_key() -> None:
    ssh = Ssh.model_validate(
        {"port": 2222, "hosts": {"exec-2": {"user": "exec", "port": 22, "key_path": "other"}}}
    )
    assert ssh_target(ssh, "exec-1").docker_url == "ssh://genesys@exec-1:2222"
    assert ssh_target(ssh, "exec-2").docker_url == "ssh://exec@exec-2:22"
    assert settings(ssh, "exec-2")["identityfile"] == "other"


@pytest.mark.parametrize(
    ("user", "host", "url"),
    [
        ("svc@corp.example", "exec-1", "ssh://svc%40corp.example@exec-1"),
        ("CORP\\svc", "exec_1", "ssh://CORP%5Csvc@exec_1"),
        ("genesys", "2001:db8::1", "ssh://genesys@[2001:db8::1]"),
    ],
)
def test_users_and_hosts_of_any_kind_reach_ssh_as_they_are(user: str, host: str, url: str) -> None:
    ssh = Ssh(user=user)
    assert ssh_target(ssh, host).docker_url == url
    found = settings(ssh, host)
    assert (found["user"], found["hostname"]) == (user, host)


@pytest.mark.parametrize("name", ["a b", "100%", '%h"x', "it's", "back\\slash"])
def test_a_path_is_one_file_whatever_is_in_it(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    key = str(path / "key")
    # ssh -G shows a path before its tokens are filled in: `%%` is a `%`.
    assert settings(Ssh(key_path=key))["identityfile"].replace("%%", "%") == key
    path.mkdir()
    made = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key]
    subprocess.run(made, check=True)
    (path / "known").write_text(f"exec-1 {(path / 'key.pub').read_text()}")
    found = settings(Ssh(known_hosts_path=str(path / "known")))["userknownhostsfile"]
    assert found.replace("%%", "%") == str(path / "known")


def test_what_would_break_us_is_ours_and_the_way_is_the_operators(tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text(
        "Host exec-1\n  Port 2200\n  ProxyJump jump\n  RemoteCommand tmux\n  RequestTTY force\n"
        "  StdinNull yes\n  SessionType none\n  ForkAfterAuthentication yes\n  LogLevel QUIET\n"
        "  PermitLocalCommand yes\n  ExitOnForwardFailure yes\n  LocalForward 22 127.0.0.1:22\n"
    )
    found = settings(Ssh(), config=str(config))
    assert (found["port"], found["proxyjump"]) == ("2200", "jump")
    assert "localforward" not in found
    for name in ("RequestTTY", "StdinNull", "SessionType", "LogLevel", "ExitOnForwardFailure"):
        wanted = OURS[name].lower()
        assert found[name.lower()].lower() in (wanted, "false" if wanted == "no" else wanted), name
    assert "remotecommand" not in found


def test_a_port_of_the_stack_file_wins_over_ssh_config(tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("Host *\n  Port 2200\n")
    assert settings(Ssh(port=22), config=str(config))["port"] == "22"
