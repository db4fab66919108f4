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
PERSIST_SECONDS = 60
"""Chosen: longer than any pause between two steps that talk to the same host, but for a sync."""
SOCKET_PATH_LIMIT = 100
"""A Unix socket's path has at most 108 bytes, and ssh adds a suffix while it connects."""


@dataclass(frozen=True)
class SshTarget:
    """A host as ssh is told of it; `options` are the words before the destination."""

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


def ssh_target(ssh: Ssh, host: str, project: Path, control: Path) -> SshTarget:
    """The way to `host`; paths of keys are relative to `project`, sockets live in `control`."""
    return SshTarget(host, ssh.user, ssh.port, ssh_options(ssh, project, control))


def ssh_options(ssh: Ssh, project: Path, control: Path) -> tuple[str, ...]:
    """The options, each a `-o Name=value`; host keys are always checked, nothing is asked for."""
    settings = {
        "BatchMode": "yes",
        "StrictHostKeyChecking": "yes",
        "UserKnownHostsFile": _absolute(ssh.known_hosts_path, project),
        "ConnectTimeout": str(CONNECT_TIMEOUT_SECONDS),
        "ServerAliveInterval": "15",
        "ControlMaster": "auto",
        "ControlPath": str(control / "%C"),
        "ControlPersist": str(PERSIST_SECONDS),
    }
    if ssh.key_path is not None:
        settings |= {"IdentityFile": _absolute(ssh.key_path, project), "IdentitiesOnly": "yes"}
    return tuple(word for name, value in settings.items() for word in ("-o", f"{name}={value}"))


def control_directory() -> Path:
    """The private directory of the shared connections, made if it isn't there.

    Not in the project: its path may be too long for a socket.
    """
    base = Path(os.environ.get("XDG_RUNTIME_DIR") or f"/tmp/exec-ssh-{os.getuid()}")
    directory = base / "exec-ssh" if "XDG_RUNTIME_DIR" in os.environ else base
    # %C is 40 characters.
    if len(str(directory)) + 1 + 40 > SOCKET_PATH_LIMIT:
        directory = Path(f"/tmp/exec-ssh-{os.getuid()}")
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    if directory.stat().st_uid != os.getuid():
        raise PermissionError(
            f"{directory} belongs to another user; remove it or set XDG_RUNTIME_DIR"
        )
    directory.chmod(0o700)
    return directory


def _absolute(path: str, project: Path) -> str:
    return str(project / Path(path).expanduser())
