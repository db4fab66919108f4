"""The one list of OpenSSH options that everything of ours reaches a host with.

The Docker provider, the gates and exctl all use it, so that they share one connection a host: each
further login would cost a handshake, and sshd refuses some of many at once (MaxStartups).
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from config_schema import Ssh
from stack.text import in_url

CONNECT_TIMEOUT_SECONDS = 10
ALIVE_INTERVAL_SECONDS, ALIVE_COUNT = 5, 2
"""Chosen: a host that goes away in the middle of a run is named within 15 seconds, and a network
that stands still for less than 10 costs nothing."""
PERSIST_SECONDS = 60
"""Chosen: longer than any pause between two steps that talk to the same host, but for a sync."""
CONTROL_PATH = "/tmp/exec-ssh-%i/%C"
"""ssh fills in the user's id and a hash of the destination. A fixed form, and short: the options
are part of the state, which two operators share, and a socket's path has at most 108 bytes."""
OURS = {
    # Since OpenSSH 8.7; an older client passes over what it doesn't know.
    "IgnoreUnknown": "ForkAfterAuthentication,SessionType,StdinNull",
    "ForkAfterAuthentication": "no",
    "SessionType": "default",
    "StdinNull": "no",
    "RemoteCommand": "none",
    "RequestTTY": "no",
    "PermitLocalCommand": "no",
    # A forward of the operator's own that can't be made must not end our connection.
    "ExitOnForwardFailure": "no",
    # QUIET would hide why a login fails; INFO shows every banner.
    "LogLevel": "ERROR",
}
"""What an operator's ssh_config may say otherwise for a shell of their own, and would break ours.
Port, ProxyJump and keys are left to it. Source: ssh_config(5)."""


@dataclass(frozen=True)
class SshTarget:
    """A host as ssh is told of it; `options` are the words before the destination, `port` is None
    where ssh_config decides.

    Relative paths in the options are the stack file's, relative to the project: Pulumi starts its
    providers there. What runs elsewhere takes `anchored` settings.
    """

    host: str
    user: str
    port: int | None
    options: tuple[str, ...]

    @property
    def command(self) -> tuple[str, ...]:
        """For commands and `-W`, which no forward of the operator's ssh_config is to come with."""
        port = () if self.port is None else ("-p", str(self.port))
        clear = ("-o", "ClearAllForwardings=yes")
        # The user by itself: a name such as svc@corp.example has an @ of its own.
        return ("ssh", *self.options, *clear, *port, "-l", self.user, self.host)

    @property
    def docker_url(self) -> str:
        port = "" if self.port is None else f":{self.port}"
        return f"ssh://{quote(self.user, safe='')}@{in_url(self.host)}{port}"


def ssh_target(ssh: Ssh, host: str) -> SshTarget:
    """The host with what `ssh` says of all hosts, and `ssh.hosts` of this one."""
    own = ssh.at(host)
    return SshTarget(host, own.user, own.port, ssh_options(own))


def anchored(ssh: Ssh, project: Path) -> Ssh:
    """The settings with paths that are the same wherever ssh is started; `~` is left to ssh."""
    hosts = {
        host: own.model_copy(update={"key_path": _anchored(own.key_path, project)})
        for host, own in ssh.hosts.items()
        if own.key_path is not None
    }
    files = {
        "key_path": _anchored(ssh.key_path, project),
        "known_hosts_path": _anchored(ssh.known_hosts_path, project),
    }
    return ssh.model_copy(update={**files, "hosts": {**ssh.hosts, **hosts}})


def _anchored(path: str | None, project: Path) -> str | None:
    return path if path is None or path.startswith("~") else str(project / path)


def ssh_options(ssh: Ssh) -> tuple[str, ...]:
    """The options, each a `-o Name=value`; host keys are always checked, nothing is asked for."""
    settings = OURS | {
        "BatchMode": "yes",
        "StrictHostKeyChecking": "yes",
        "UserKnownHostsFile": _path(ssh.known_hosts_path),
        "ConnectTimeout": str(CONNECT_TIMEOUT_SECONDS),
        "ServerAliveInterval": str(ALIVE_INTERVAL_SECONDS),
        "ServerAliveCountMax": str(ALIVE_COUNT),
        "ControlMaster": "auto",
        "ControlPath": CONTROL_PATH,
        "ControlPersist": str(PERSIST_SECONDS),
    }
    if ssh.key_path is not None:
        settings |= {"IdentityFile": _path(ssh.key_path), "IdentitiesOnly": "yes"}
    return tuple(word for name, value in settings.items() for word in ("-o", f"{name}={value}"))


def _path(path: str) -> str:
    """A path as an option's value: `%` begins a token there, and a blank another file."""
    text = path.replace("%", "%%")
    if not any(letter in text for letter in " \t\"'\\#"):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def make_control_directory() -> Path:
    """The private directory of the shared connections, made if it isn't there.

    Raises PermissionError if somebody else has made it first: who owns it could use our logins.
    """
    directory = Path(CONTROL_PATH.replace("%i", str(os.getuid()))).parent
    directory.mkdir(mode=0o700, exist_ok=True)
    found = directory.lstat()
    if directory.is_symlink() or found.st_uid != os.getuid():
        raise PermissionError(f"{directory} belongs to another user; have it removed")
    directory.chmod(0o700)
    return directory
