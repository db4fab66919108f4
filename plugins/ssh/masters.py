"""The shared connections of a run."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from plugins.ssh import mux
from plugins.ssh.handshakes import Slot, ends
from plugins.ssh.target import SshError, Target, quoted

CONNECT_SECONDS = 15
"""Chosen: a host that takes longer to let us in counts as dead."""
_PREFIX = "pulumi-hosts-"
_SHORT = 40


class Master:
    """A host's connection. Thread-safe."""

    def __init__(self, target: Target, directory: Path, keeper: Keeper) -> None:
        self.target = target
        self._keeper = keeper
        self._directory = directory
        self._control = directory / "m"
        self._is_found = False  # where the options put it, if they do
        self._is_ours = False  # this run began it, and ends it
        self._forwards: dict[str, Path] = {}
        self._count = 0  # no local path is used twice
        self._failure = ""  # of the last try: another soon after would only take as long again
        self._failed_until = 0.0
        self._lock = threading.Lock()

    def open(self) -> None:
        """Join the connection that is there, or begin it. SshError, within 15 s of the try, if
        the host doesn't let us in."""
        with self._lock:
            if not self._is_found:
                self._control = self.target.control_path() or self._control
                self._is_found = True
            if mux.is_there(self._control):
                return
            if time.monotonic() < self._failed_until:
                raise SshError(self._failure)
            self._forwards.clear()
            if problem := self._begin():
                self._failure = f"{self.target.name}: {problem}"
                self._failed_until = time.monotonic() + CONNECT_SECONDS
                raise SshError(self._failure)

    def _begin(self) -> str:
        """Log in. Empty if it went well, else why not."""
        with suppress(OSError):
            self._control.parent.mkdir(mode=0o700, exist_ok=True)
        with Slot() as place, tempfile.TemporaryFile() as said:
            if mux.is_there(self._control):  # another program of ours was quicker
                return ""
            with suppress(OSError):
                self._control.unlink()  # of a connection that was killed
            words = self.target.words(
                ControlMaster="yes",
                ControlPath=quoted(self._control),
                ControlPersist="no",
                ForkAfterAuthentication="yes",
                SessionType="none",
            )
            try:
                process = subprocess.Popen(
                    ["ssh", *words],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=said,  # a file: what stays behind would keep a pipe open
                    start_new_session=True,  # a Ctrl-C is for the run, not for its connections
                )
            except OSError as problem:
                return (
                    f"ssh can't be started ({problem.strerror}); is the OpenSSH client installed?"
                )
            self._keeper.note(self._control)
            is_ended = ends(process, CONNECT_SECONDS, place)
            said.seek(0)
            words_of_ssh = telling(said.read().decode(errors="replace"))
        if not is_ended:
            return f"no answer by SSH within {CONNECT_SECONDS} s"
        if process.returncode != 0 or not mux.is_there(self._control):
            return words_of_ssh or f"ssh ended with {process.returncode}"
        self._is_ours = True
        return ""

    def is_up(self) -> bool:
        """True if the connection stands, as far as this side knows."""
        return mux.is_there(self._control)

    def connected(self, timeout_seconds: float) -> socket.socket:
        """A connection to the target's socket on the host. SshError if the host can't be reached,
        or forwards nothing; a socket that isn't there ends the connection at once."""
        try:
            return self._connected(timeout_seconds)
        except OSError:
            # The shared connection was another program's, and has ended or was restarted: what
            # we had forwarded ended with it.
            with self._lock:
                self._forwards.clear()
        try:
            return self._connected(timeout_seconds)
        except OSError as problem:
            raise SshError(f"{self.target.name}: {problem}") from None

    def _connected(self, timeout_seconds: float) -> socket.socket:
        self.open()
        found = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        found.settimeout(timeout_seconds)
        try:
            found.connect(str(self._forward(self.target.socket)))
        except OSError:
            found.close()
            raise
        return found

    def _forward(self, remote: str) -> Path:
        with self._lock:
            if remote not in self._forwards:
                local = self._directory / f"{self._count}.sock"
                self._count += 1
                try:
                    mux.forward(self._control, local, remote)
                except (mux.MuxError, OSError) as problem:
                    raise SshError(f"{self.target.name}: {problem}") from None
                self._forwards[remote] = local
            return self._forwards[remote]

    def argv(self, *command: str) -> list[str]:
        """The command line that runs something on the host through this connection, which must be
        open."""
        shared = ("-F", "none", "-o", "ControlMaster=no", "-o", "BatchMode=yes", "-T")
        control = ("-o", f"ControlPath={quoted(self._control)}", "-o", "LogLevel=ERROR")
        # With an address that leads nowhere: without the connection there's no login of its own.
        return ["ssh", *shared, *control, "--", "connection.invalid", *command]

    def close(self) -> None:
        """Take back what was forwarded; end the connection if it's ours."""
        with self._lock:
            if self._is_ours:
                mux.end(self._control)
                return
            for remote, local in self._forwards.items():
                with suppress(mux.MuxError, OSError):
                    mux.forward(self._control, local, remote, ends=True)


def telling(said: str) -> str:
    """What ssh said, in one line, without frames of @ and without its warnings about added keys."""
    lines = [line.strip() for line in said.splitlines()]
    return "; ".join(
        dict.fromkeys(
            line
            for line in lines
            if line.strip("@") and not line.startswith("Warning: Permanently added")
        )
    )[-800:]


class Keeper:
    """Ends the connections of a run that is killed: a shell that waits for our end."""

    _SCRIPT = """
        trap '' HUP INT TERM
        directory=$1; shift
        while read -r control; do
            if [ "$control" = done ]; then set --; else set -- "$@" "$control"; fi
        done
        for control; do ssh -F none -o "ControlPath=$control" -O exit x 2>/dev/null; done
        rm -rf -- "$directory"
    """

    def __init__(self, directory: Path) -> None:
        self._shell = subprocess.Popen(
            ["sh", "-c", self._SCRIPT, "keeper", str(directory)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._lock = threading.Lock()

    def note(self, control: Path) -> None:
        """This connection is ours to end."""
        with self._lock, suppress(OSError):
            assert self._shell.stdin is not None
            self._shell.stdin.write(f"{quoted(control)}\n".encode())
            self._shell.stdin.flush()

    def close(self) -> None:
        """The connections have been ended: only the directory of the sockets is left to it."""
        with self._lock, suppress(OSError):
            assert self._shell.stdin is not None
            self._shell.stdin.write(b"done\n")
            self._shell.stdin.close()
        with suppress(subprocess.TimeoutExpired):
            self._shell.wait(5)


class Masters:
    """The connections of this process, each opened when it's first needed."""

    def __init__(self) -> None:
        self._masters: dict[Target, Master] = {}
        self._lock = threading.Lock()
        self._directory: Path | None = None
        self._keeper: Keeper | None = None

    def of(self, url: str, options: Sequence[str], remote_socket: str) -> Master:
        """The connection for a `ssh://` URL, not opened yet. SshError if the URL is none."""
        target = Target.parse(url, options, remote_socket)
        with self._lock:
            if target not in self._masters:
                if self._directory is None or self._keeper is None:
                    self._directory = _directory()
                    self._keeper = Keeper(self._directory)
                place = self._directory / str(len(self._masters))
                place.mkdir()
                self._masters[target] = Master(target, place, self._keeper)
            return self._masters[target]

    def close_all(self) -> None:
        """End every connection that this process began. It may begin new ones afterwards."""
        with self._lock:
            masters, self._masters = list(self._masters.values()), {}
            directory, self._directory = self._directory, None
            keeper, self._keeper = self._keeper, None
        threads = [threading.Thread(target=master.close, daemon=True) for master in masters]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(mux.ANSWER_SECONDS + 1)
        if keeper is not None:
            keeper.close()
        if directory is not None:
            shutil.rmtree(directory, ignore_errors=True)


def _directory() -> Path:
    """A private directory with a short name: the path of a socket has 107 bytes at most."""
    usual = tempfile.gettempdir()
    place = usual if len(usual) <= _SHORT else "/tmp"
    return Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=place))


MASTERS = Masters()


def close_all() -> None:
    """End every connection that this process began."""
    MASTERS.close_all()
