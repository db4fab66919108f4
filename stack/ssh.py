"""The one list of OpenSSH options that everything of ours reaches a host with.

The Docker provider, the gates and exctl all use it, so that they share one connection a host: each
further login would cost a handshake, and sshd refuses some of many at once (MaxStartups).
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from config_schema import Ssh

CONNECT_TIMEOUT_SECONDS = 10
ALIVE_INTERVAL_SECONDS, ALIVE_COUNT = 5, 2
"""Chosen: a host that goes away in the middle of a run is named within 15 seconds, and a network
that stands still for less than 10 costs nothing."""
PERSIST_SECONDS = 60
"""Chosen: longer than any pause between two steps that talk to the same host, but for a sync."""
CONTROL_PATH = "/tmp/exec-ssh-%i/%C"
"""ssh fills in the user's id and a hash of the destination. A fixed form, and short: the options
are part of the state, which two operators share, and a socket's path has at most 108 bytes."""


@dataclass(frozen=True)
class SshTarget:
    """A host as ssh is told of it; `options` are the words before the destination.

    The options name files relative to the project, as the stack file does: ssh must be started in
    the project's directory, as Pulumi starts its providers.
    """

    host: str
    user: str
    port: int
    options: tuple[str, ...]

    @property
    def command(self) -> tuple[str, ...]:
        return ("ssh", *self.options, "-p", str(self.port), f"{self.user}@{self.host}")

    @property
    def docker_url(self) -> str:
        return f"ssh://{self.user}@{self.host}:{self.port}"


def ssh_target(ssh: Ssh, host: str) -> SshTarget:
    own = ssh.at(host)
    return SshTarget(host, own.user, own.port, ssh_options(own))


def ssh_options(ssh: Ssh) -> tuple[str, ...]:
    """The options, each a `-o Name=value`; host keys are always checked, nothing is asked for."""
    settings = {
        "BatchMode": "yes",
        "StrictHostKeyChecking": "yes",
        "UserKnownHostsFile": ssh.known_hosts_path,
        "ConnectTimeout": str(CONNECT_TIMEOUT_SECONDS),
        "ServerAliveInterval": str(ALIVE_INTERVAL_SECONDS),
        "ServerAliveCountMax": str(ALIVE_COUNT),
        "ControlMaster": "auto",
        "ControlPath": CONTROL_PATH,
        "ControlPersist": str(PERSIST_SECONDS),
    }
    if ssh.key_path is not None:
        settings |= {"IdentityFile": ssh.key_path, "IdentitiesOnly": "yes"}
    return tuple(word for name, value in settings.items() for word in ("-o", f"{name}={value}"))


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
