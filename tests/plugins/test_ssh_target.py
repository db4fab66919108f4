"""How ssh is told where to go."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from plugins.ssh.masters import telling
from plugins.ssh.target import SshError, Target, quoted


def target(url: str, *options: str) -> Target:
    return Target.parse(url, options, "/var/run/docker.sock")


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("ssh://h", "h"),
        ("ssh://u@h:2222", "u@h:2222"),
        ("ssh://svc%40corp.example@h", "svc@corp.example@h"),
        ("ssh://u@[fd00::1]:22", "u@[fd00::1]:22"),
        ("ssh://u@under_score", "u@under_score"),
    ],
)
def test_a_host_is_named_as_it_was_given(url: str, name: str) -> None:
    assert target(url).name == name


@pytest.mark.parametrize("url", ["ssh://", "tcp://h", "ssh://h:port", "ssh://-oProxyCommand=x"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(SshError, match="is no address of a host"):
        target(url)


def test_a_socket_in_the_address_is_the_daemons() -> None:
    assert target("ssh://h").socket == "/var/run/docker.sock"
    assert target("ssh://h/run/user/1/docker.sock").socket == "/run/user/1/docker.sock"


def test_ours_come_first_and_defaults_give_way() -> None:
    words = target("ssh://u@h:22", "-o", "ConnectTimeout=3", "-oLogLevel=DEBUG").words()
    settings = [word for word in words if "=" in word]
    assert settings.index("LogLevel=ERROR") < settings.index("-oLogLevel=DEBUG")
    assert "ConnectTimeout=10" not in settings
    assert words[-2:] == ["--", "h"]


@pytest.mark.parametrize("name", ["a b", "100%", "a%hb", 'quo"te', "back\\slash"])
def test_any_path_survives_sshs_own_syntax(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    told = subprocess.run(
        ["ssh", "-G", "-F", "none", "-o", f"ControlPath={quoted(path)}", "h"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    found = next(line for line in told.splitlines() if line.startswith("controlpath "))
    assert found.removeprefix("controlpath ").replace("%%", "%") == str(path)


def test_a_shared_connection_of_the_options_is_found_where_ssh_puts_it(tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("Host alias\n HostName real\n Port 2222\n")
    options = ("-F", str(config), "-o", "ControlPath=/tmp/exec-ssh-%i/%r@%h:%p")
    found = target("ssh://root@alias", *options).control_path()
    assert found == Path(f"/tmp/exec-ssh-{os.getuid()}/root@real:2222")
    assert target("ssh://root@alias").control_path() is None
    assert target("ssh://root@alias", "-o", "ControlPath=none").control_path() is None


def test_the_addresss_user_and_port_win_over_options() -> None:
    words = target("ssh://root@h:2222", "-o", "User=x").words()
    assert words.index("-l") < words.index("User=x")


def test_sshs_words_are_kept_without_frames() -> None:
    said = "@@@@@@\nWARNING: CHANGED!\n@@@@@@\nHost key verification failed.\n"
    assert telling(said) == "WARNING: CHANGED!; Host key verification failed."
