"""One OpenSSH master for each host and run: every connection to the host goes through it."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from engine.mux import terminated
from engine.ssh_target import SshError, Target

CONNECT_SECONDS = 15  # a host that takes longer to let us in counts as dead
LAST_ANSWERS_SECONDS = 4
KNOCKING_SECONDS = 1.5  # Linux asks a second time after one
_PREFIX = "pulumi-ssh-"
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


class Slot:
    """The right to one of the four handshakes that may be under way."""

    def __enter__(self) -> Slot:
        _HANDSHAKES.acquire()
        self._held = True
        return self

    def __exit__(self, *_: object) -> None:
        self.give_back()

    def give_back(self) -> None:
        """Let another host have it."""
        if self._held:
            self._held = False
            _HANDSHAKES.release()


def _ends(process: subprocess.Popen[bytes], timeout_seconds: float, slot: Slot | None) -> bool:
    """True once it has ended; False if it had to be killed. While a host doesn't answer at all
    there's no handshake under way: hosts that do answer needn't wait for it."""
    deadline = time.monotonic() + timeout_seconds
    while (left := deadline - time.monotonic()) > 0:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(min(left, KNOCKING_SECONDS))
            return True
        if slot is not None and is_unanswered(process.pid):
            slot.give_back()
    process.kill()
    process.wait()
    return False


def is_unanswered(pid: int) -> bool:
    """True while a process has a TCP connection that the other end hasn't answered yet."""
    try:
        links = [str(entry.readlink()) for entry in Path(f"/proc/{pid}/fd").iterdir()]
        tables = [Path(f"/proc/{pid}/net/{name}").read_text() for name in ("tcp", "tcp6")]
    except OSError:
        return False
    waiting = (line.split() for table in tables for line in table.splitlines()[1:])
    return any(f[3] == "02" and f"socket:[{f[9]}]" in links for f in waiting)  # 02: SYN_SENT


@dataclass
class Master:
    """A connection that others share. `ours`: this run began it, and ends it."""

    target: Target
    directory: Path
    extra: list[str]
    control: str | None  # where the master's socket is, as far as we know
    proven: set[Path]  # of the run: directories where sockets were found as they were thought
    ours: bool = False
    sockets: dict[str, Path] = field(default_factory=dict)
    failure: str = ""  # of the last try; another one soon after would only take as long again
    failed_until: float = 0.0
    forwards: int = 0  # so far: no local path is used twice
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def _ssh(
        self, *words: str, timeout_seconds: float = CONNECT_SECONDS, slot: Slot | None = None
    ) -> str:
        """Run ssh; empty if it went well, else what it said. A `slot` is given back early if it
        turns out that nobody answers."""
        with tempfile.TemporaryFile() as said:
            try:
                process = subprocess.Popen(
                    ["ssh", *self.extra, *words, *self.target.arguments],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=said,  # a file: the master that stays behind would keep a pipe open
                )
            except OSError as problem:
                return f"ssh can't be started: {problem}"
            if not _ends(process, timeout_seconds, slot):
                return f"no answer within {timeout_seconds:.0f} s"
            said.seek(0)
            text = said.read().decode(errors="replace").strip()
        return "" if process.returncode == 0 else text or f"ssh ended with {process.returncode}"

    def open(self) -> None:
        """Join the master that is there, or begin one. SshError if the host doesn't let us in.

        One that is begun forwards the daemon's socket from the start: at 50 hosts each further
        call of ssh takes half a second of processor time (Measured).
        """
        with self._lock:
            if self.ours:
                return
            if time.monotonic() < self.failed_until:
                raise SshError(self.failure)
            with Slot() as slot:
                if self._may_be_there() and not self._ssh("-O", "check", timeout_seconds=5):
                    return
                forwarded = self._forwarding(DOCKER_SOCKET)
                # It passes on what those who share it choose to send; of itself it sends nothing.
                shared = ("-o", "ControlMaster=auto", "-o", "SendEnv=*")
                problem = self._ssh("-f", "-N", *shared, *forwarded, slot=slot)
            if problem:
                self.sockets.clear()
                self.failure = f"{self.target.url}: {_last_line(problem)}"
                self.failed_until = time.monotonic() + CONNECT_SECONDS
                raise SshError(self.failure)
            self.ours = True
            if self.control is not None and Path(self.control).exists():
                self.proven.add(Path(self.control).parent)

    def failure_by(self, deadline: float) -> str:
        """Why the host can't be reached; empty if it can, or if that isn't known by then."""
        if not self._lock.acquire(timeout=max(deadline - time.monotonic(), 0)):
            return ""
        try:
            return "" if self.ours else self.failure
        finally:
            self._lock.release()

    def _may_be_there(self) -> bool:
        """False if there is no master to join: nothing lies where its socket would, and it has been
        seen in this run that we know where that is (asking ssh takes a process for each host)."""
        if self.control is None:
            return True
        return Path(self.control).exists() or Path(self.control).parent not in self.proven

    def _forwarding(self, remote: str) -> list[str]:
        """ssh's words for a new local socket that leads to one of the host's."""
        local = self.sockets[remote] = self.directory / f"{self.forwards}.sock"
        self.forwards += 1
        return ["-L", f"{local}:{remote}"]

    def forward(self, remote: str = DOCKER_SOCKET) -> Path:
        """A local socket that leads to one of the host's."""
        with self._lock:
            if remote not in self.sockets:
                words = self._forwarding(remote)
                if problem := self._ssh("-O", "forward", *words, timeout_seconds=5):
                    del self.sockets[remote]
                    raise SshError(f"{self.target.url}: {_last_line(problem)}")
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

    def run_argv(self, *command: str, options: Sequence[str] = ()) -> list[str]:
        """The command line that runs something on the host through this master."""
        return ["ssh", *self.extra, *options, *self.target.arguments, *command]

    def sftp_argv(self) -> list[str]:
        """The command line that copies files through this master, as its stdin says."""
        target = self.target
        host = f"[{target.host}]" if ":" in target.host else target.host
        port = ["-P", str(target.port)] if target.port else []
        user = f"{target.user}@" if target.user else ""
        return ["sftp", "-b", "-", *self.extra, *target.options, *port, f"{user}{host}"]

    def close(self) -> None:
        """Take back what was forwarded; end the connection if it's ours."""
        for remote, local in self.sockets.items():
            if not self.ours:
                self._ssh("-O", "cancel", "-L", f"{local}:{remote}", timeout_seconds=5)
        if self.ours and not self._ended():
            self._ssh("-O", "exit", timeout_seconds=5)

    def _ended(self) -> bool:
        """True if the master took our word for it that this is the end."""
        try:
            with connected_to(self.control or self.directory / "m") as talk:
                return terminated(talk)
        except OSError:
            return False


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else text


def _clear_up_after_killed_runs() -> None:
    """Remove directories of sockets whose run is gone; their masters end by themselves."""
    for path in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        pid = path.name.removeprefix(_PREFIX).partition("-")[0]
        with contextlib.suppress(OSError):  # another run does the same
            ours = pid.isdigit() and path.stat().st_uid == os.getuid()
            if ours and not Path("/proc", pid).exists():
                shutil.rmtree(path, ignore_errors=True)


class Pool:
    """The masters of a run."""

    def __init__(self) -> None:
        self._masters: dict[Target, Master] = {}
        self._proven: set[Path] = set()
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

    def failures(self) -> list[str]:
        """What each host says, or doesn't, that didn't let us in; those that are being asked are
        waited for a little."""
        with self._lock:
            masters = list(self._masters.values())
        deadline = time.monotonic() + LAST_ANSWERS_SECONDS
        return [text for master in masters if (text := master.failure_by(deadline))]

    def _make(self, target: Target) -> Master:
        if self._directory is None:  # short: a socket's path has 107 bytes at most
            _clear_up_after_killed_runs()
            self._directory = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-"))
        directory = self._directory / str(len(self._masters))
        directory.mkdir()
        extra: list[str] = ["-o", "BatchMode=yes"]
        control = target.control_path()
        if not target.has("ControlPath"):
            control = f"{directory}/m"
            extra += ["-o", f"ControlPath={control}"]
        if not target.has("ConnectTimeout"):
            extra += ["-o", "ConnectTimeout=10"]
        if not target.has("ControlPersist"):  # else it would outlive a run that is killed
            extra += ["-o", "ControlPersist=60"]
        return Master(target, directory, extra, control, self._proven)

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
            # A master that is ending takes its own sockets away meanwhile.
            shutil.rmtree(directory, ignore_errors=True)


POOL = Pool()
