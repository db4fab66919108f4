"""Where a daemon is, and how it's reached: `ssh://`, `unix://`, `tcp://`, `https://`."""

from __future__ import annotations

import json
import os
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from plugins.docker.errors import DockerError
from plugins.ssh.masters import MASTERS, Master, telling
from plugins.ssh.target import SshError

DEFAULT_HOST = "unix:///var/run/docker.sock"
SOCKET = "/var/run/docker.sock"
"""Of a host that is reached by SSH, unless its URL names another. The remote user's DOCKER_HOST
and context are ignored: what an operator sets for a shell must not move a deployment."""
ANSWER_SECONDS = 15
"""Chosen: a daemon that takes longer to answer a question counts as not answering."""
_MARK = b"\x01docker follows\x01\n"
Way: TypeAlias = Callable[[], socket.socket]
"""Opens a connection to the daemon."""


@dataclass(frozen=True)
class DaemonAddress:
    """A daemon. `name` is how messages call it: user@host:port where it's reached by SSH."""

    url: str
    ssh_options: tuple[str, ...] = ()
    certificates: str = ""

    @property
    def name(self) -> str:
        return self.url.removeprefix("ssh://") if self.is_ssh else self.url

    @property
    def is_ssh(self) -> bool:
        """True if it takes a login to get there."""
        return self.url.startswith("ssh://")


def address_of(config: Mapping[str, Any]) -> DaemonAddress:
    """The daemon that the provider's settings name. DockerError for an unknown context."""
    url = str(config.get("host") or os.environ.get("DOCKER_HOST") or DEFAULT_HOST)
    if context := str(config.get("context") or os.environ.get("DOCKER_CONTEXT") or ""):
        url = _host_of_context(context)
    options = config.get("sshOpts") or os.environ.get("DOCKER_SSH_OPTS", "").split()
    certificates = config.get("certPath") or os.environ.get("DOCKER_CERT_PATH") or ""
    return DaemonAddress(url, tuple(str(word) for word in options), str(certificates))


def _host_of_context(context: str) -> str:
    folder = Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker")
    for path in sorted(folder.glob("contexts/meta/*/meta.json")):
        with suppress(OSError, ValueError, KeyError, TypeError):
            found = json.loads(path.read_text(encoding="utf-8"))
            if found["Name"] == context:
                return str(found["Endpoints"]["docker"]["Host"])
    raise DockerError(context, f"there is no Docker context of this name in {folder}")


def ways_to(address: DaemonAddress) -> list[Way]:
    """The ways to the daemon, best first. DockerError for an address that means nothing."""
    rest = address.url.partition("://")[2]
    if address.is_ssh:
        master = master_of(address)
        return [lambda: master.connected(ANSWER_SECONDS), lambda: _dialled(master)]
    if address.url.startswith("unix://"):
        return [lambda: _local(rest)]
    parts = urlsplit(address.url)
    if parts.scheme in ("tcp", "http", "https") and parts.hostname:
        place = (parts.hostname, parts.port or (2376 if address.certificates else 2375))
        tls = _tls(address.certificates) if address.certificates else None
        return [lambda: _tcp(place, tls)]
    raise DockerError(
        address.name, "is no address of a Docker daemon; expected ssh://, unix:// or tcp://"
    )


def master_of(address: DaemonAddress) -> Master:
    """The shared connection to the daemon's host, perhaps not opened yet."""
    try:
        return MASTERS.of(address.url, address.ssh_options, SOCKET)
    except SshError as problem:
        raise DockerError(address.name, str(problem)) from None


def _local(path: str) -> socket.socket:
    found = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    found.settimeout(ANSWER_SECONDS)
    try:
        found.connect(path)
    except OSError:
        found.close()
        raise
    return found


def _tcp(place: tuple[str, int], tls: ssl.SSLContext | None) -> socket.socket:
    found = socket.create_connection(place, ANSWER_SECONDS)
    return tls.wrap_socket(found, server_hostname=place[0]) if tls else found


def _tls(certificates: str) -> ssl.SSLContext:
    """The TLS context of a directory with ca.pem, cert.pem and key.pem."""
    folder = Path(certificates).expanduser()
    try:
        context = ssl.create_default_context(cafile=str(folder / "ca.pem"))
        context.load_cert_chain(str(folder / "cert.pem"), str(folder / "key.pem"))
    except (OSError, ssl.SSLError) as problem:
        raise DockerError(
            certificates, f"ca.pem, cert.pem or key.pem can't be read: {problem}"
        ) from None
    return context


def _dialled(master: Master) -> socket.socket:
    """A connection through `docker system dial-stdio`: for hosts whose sshd forwards nothing. What
    a login shell prints before it is skipped."""
    ours, theirs = socket.socketpair()
    mark = _MARK.decode().replace("\x01", "\\001").replace("\n", "\\n")
    command = f"printf '{mark}'; exec {_dial_command(master)}"
    with theirs:
        process = subprocess.Popen(
            master.argv(f"sh -c {_shell_quoted(command)}"),
            stdin=theirs.fileno(),
            stdout=theirs.fileno(),
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    threading.Thread(target=process.wait, daemon=True).start()  # no zombie stays
    ours.settimeout(ANSWER_SECONDS)
    seen = b""
    deadline = time.monotonic() + ANSWER_SECONDS
    try:
        while not seen.endswith(_MARK):
            if time.monotonic() > deadline:
                raise TimeoutError
            if not (byte := ours.recv(1)):
                assert process.stderr is not None
                said = telling(process.stderr.read().decode(errors="replace"))
                raise SshError(
                    f"{master.target.name}: {said or 'the host runs no command of ours'}"
                )
            seen += byte
    except (OSError, SshError):
        process.kill()
        ours.close()
        raise
    return ours


def _dial_command(master: Master) -> str:
    return f"docker -H unix://{_shell_quoted(master.target.socket)} system dial-stdio"


def refusal_of(address: DaemonAddress) -> str:
    """Why Docker on a host that lets us in can't be reached, in its own words; empty if they are
    not to be had."""
    master = master_of(address)
    command = master.argv(f"sh -c {_shell_quoted(_dial_command(master))}")
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=ANSWER_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return telling(done.stderr.decode(errors="replace")) if done.returncode else ""


def _shell_quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
