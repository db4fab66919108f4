"""One OpenSSH master for each host and run: every connection to the host goes through it."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

CONNECT_SECONDS = 15  # a host that takes longer to let us in counts as dead
DOCKER_SOCKET = "/var/run/docker.sock"
# sshd begins to drop unauthenticated connections at 10 (MaxStartups); many hosts may share one
# gateway.
_HANDSHAKES = threading.BoundedSemaphore(4)


def connected_to(path: str | Path) -> socket.socket:
    """A connection to a local socket."""
    found = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    found.settimeout(CONNECT_SECONDS)
    try:
        found.connect(str(path))
    except OSError:
        found.close()
        raise
    return found


class SshError(Exception):
    """A host can't be reached; the text names it and gives ssh's own words."""


@dataclass(frozen=True)
class Target:
    """Where a `ssh://user@host:port` URL leads, with the options to get there."""

    url: str
    host: str
    user: str | None
    port: int | None
    options: tuple[str, ...]

    @classmethod
    def parse(cls, url: str, options: Sequence[str]) -> Target:
        """SshError for anything but `ssh://[user@]host[:port]`."""
        parts = urlsplit(url)
        if parts.scheme != "ssh" or not parts.hostname or parts.path not in ("", "/"):
            raise SshError(f"{url!r}: expected ssh://[user@]host[:port]")
        return cls(url, parts.hostname, parts.username, parts.port, tuple(options))

    @property
    def arguments(self) -> list[str]:
        """ssh's arguments up to the command."""
        user = ["-l", self.user] if self.user else []
        port = ["-p", str(self.port)] if self.port else []
        return [*self.options, *user, *port, "--", self.host]

    def has(self, option: str) -> bool:
        """True if the options name this one."""
        return any(option.lower() in word.lower() for word in self.options)


@dataclass
class Master:
    """A connection that others share. `ours`: this run began it, and ends it."""

    target: Target
    directory: Path
    extra: list[str]
    ours: bool = False
    sockets: dict[str, Path] = field(default_factory=dict)
    forwards: int = 0  # so far: no local path is used twice
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def _ssh(self, *words: str, timeout_seconds: float = CONNECT_SECONDS) -> str:
        """Run ssh; empty if it went well, else what it said."""
        with tempfile.TemporaryFile() as said:
            try:
                done = subprocess.run(
                    ["ssh", *self.extra, *words, *self.target.arguments],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=said,  # a file: the master that stays behind would keep a pipe open
                    timeout=timeout_seconds,
                )
            except subprocess.TimeoutExpired:
                return f"no answer within {timeout_seconds:.0f} s"
            except OSError as problem:
                return f"ssh can't be started: {problem}"
            said.seek(0)
            text = said.read().decode(errors="replace").strip()
        return "" if done.returncode == 0 else text or f"ssh ended with {done.returncode}"

    def open(self) -> None:
        """Join the master that is there, or begin one. SshError if the host doesn't let us in."""
        with self._lock:
            if self.ours or not self._ssh("-O", "check", timeout_seconds=5):
                return
            with _HANDSHAKES:
                problem = self._ssh("-f", "-N", "-o", "ControlMaster=auto")
            if problem:
                raise SshError(f"{self.target.url}: {_last_line(problem)}")
            self.ours = True

    def forward(self, remote: str = DOCKER_SOCKET) -> Path:
        """A local socket that leads to one of the host's."""
        with self._lock:
            if remote not in self.sockets:
                local = self.directory / f"{self.forwards}.sock"
                self.forwards += 1
                problem = self._ssh("-O", "forward", "-L", f"{local}:{remote}", timeout_seconds=5)
                if problem:
                    raise SshError(f"{self.target.url}: {_last_line(problem)}")
                self.sockets[remote] = local
            return self.sockets[remote]

    def connected(self, remote: str = DOCKER_SOCKET) -> socket.socket:
        """A connection to one of the host's sockets.

        A master that has ended meanwhile (idle for longer than ControlPersist while the run waited
        for something else, or the network was away) is begun anew. SshError if that fails.
        """
        path = self.forward(remote)
        with contextlib.suppress(OSError):
            return connected_to(path)
        with self._lock:
            if self.sockets.get(remote) == path:  # else another thread has seen to it
                self.sockets.clear()
                self.ours = False
        self.open()
        path = self.forward(remote)
        try:
            return connected_to(path)
        except OSError as problem:
            raise SshError(f"{self.target.url}: {path}: {problem}") from None

    def run_argv(self, *command: str) -> list[str]:
        """The command line that runs something on the host through this master."""
        return ["ssh", *self.extra, *self.target.arguments, *command]

    def close(self) -> None:
        """Take back what was forwarded; end the connection if it's ours."""
        for remote, local in self.sockets.items():
            if not self.ours:
                self._ssh("-O", "cancel", "-L", f"{local}:{remote}", timeout_seconds=5)
        if self.ours:
            self._ssh("-O", "exit", timeout_seconds=5)


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else text


class Pool:
    """The masters of a run."""

    def __init__(self) -> None:
        self._masters: dict[Target, Master] = {}
        self._lock = threading.Lock()
        self._directory: Path | None = None

    def master(self, url: str, options: Sequence[str]) -> Master:
        """The open master of a host. SshError, within 15 s, if it can't be reached."""
        target = Target.parse(url, options)
        with self._lock:
            if target not in self._masters:
                self._masters[target] = self._make(target)
            master = self._masters[target]
        master.open()
        return master

    def _make(self, target: Target) -> Master:
        if self._directory is None:  # short: a socket's path has 107 bytes at most
            self._directory = Path(tempfile.mkdtemp(prefix="pulumi-"))
        directory = self._directory / str(len(self._masters))
        directory.mkdir()
        extra: list[str] = ["-o", "BatchMode=yes"]
        if not target.has("ControlPath"):
            extra += ["-o", f"ControlPath={directory}/m"]
        if not target.has("ConnectTimeout"):
            extra += ["-o", "ConnectTimeout=10"]
        return Master(target, directory, extra)

    def close(self) -> None:
        """End every connection that this run began."""
        with self._lock:
            masters, self._masters = list(self._masters.values()), {}
            directory, self._directory = self._directory, None
        threads = [threading.Thread(target=master.close) for master in masters]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if directory is not None:
            with contextlib.suppress(OSError):
                shutil.rmtree(directory)


POOL = Pool()
