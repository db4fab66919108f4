"""Commands on a host over SSH, the same whatever its login shell prints, is or sets.

The command is given to /bin/sh on stdin, and what it prints is read between two markers that are
random for each call: a banner, an MOTD, an `echo` in a .bashrc, tcsh or fish change nothing. Docker
is always the daemon of the host itself: a DOCKER_HOST or context of the remote user's is not for
this tool to follow. Every call has a time limit, on the host too, so that nothing is left there
that Docker would do later.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import select
import shlex
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import IO, BinaryIO

from hosts.answer import Ending, HostAnswer, HostCommand
from hosts.handshakes import Handshakes
from stack.ssh import CONNECT_TIMEOUT_SECONDS, make_control_directory

DOCKER_SOCKET = "/var/run/docker.sock"
LOGIN_SECONDS = CONNECT_TIMEOUT_SECONDS + 5.0
"""Chosen: ConnectTimeout covers the TCP connection and sshd's greeting; the rest of a login took
less than 1 s wherever it was tried."""
GRACE_SECONDS = 3.0
"""Chosen: how long the host may take to end what has run out of time, before ssh is ended here."""
SSH_FAILED = 255
TIMED_OUT = (124, 137)
"""What `timeout` of coreutils ends with, the second if it took a KILL. Source: timeout(1)."""
_UNSET = "DOCKER_CONTEXT DOCKER_TLS DOCKER_TLS_VERIFY DOCKER_CERT_PATH DOCKER_API_VERSION"
_CHUNK_BYTES = 1 << 16


HANDSHAKES: Handshakes[HostAnswer] = Handshakes()
_running: set[subprocess.Popen[bytes]] = set()
_running_lock = threading.Lock()


def command_over_ssh(
    ssh: Sequence[str], timeout_seconds: float, login_seconds: float = LOGIN_SECONDS
) -> HostCommand:
    """A runner of commands on one host; `ssh` is the command up to and with the destination."""

    def run(words: Sequence[str]) -> HostAnswer:
        with session(ssh, words, timeout_seconds, login_seconds) as running:
            for _ in running:
                pass
            return running.answer()

    return run


@contextlib.contextmanager
def session(
    ssh: Sequence[str],
    words: Sequence[str],
    timeout_seconds: float | None,
    login_seconds: float = LOGIN_SECONDS,
) -> Iterator[Session]:
    """A command that runs on the host, ended with the block; without a limit it may go on for
    ever, and its stdout is to be read as it comes."""
    with contextlib.ExitStack() as stack:
        yield Session(ssh, words, timeout_seconds, login_seconds, stack)


class Session:
    """One command on a host. Iterating gives what it prints, from behind the first marker; of a
    command with a time limit everything is kept for `answer` instead."""

    def __init__(
        self,
        ssh: Sequence[str],
        words: Sequence[str],
        timeout_seconds: float | None,
        login_seconds: float,
        stack: contextlib.ExitStack,
    ) -> None:
        self._limit, self._login_seconds = timeout_seconds, login_seconds
        self._mark = secrets.token_hex(12).encode()
        self._stack = stack
        self._kept = self._noise = b""
        self._deadline = 0.0
        self._begun: bytes | None = None
        self._is_late = False
        self._failure: HostAnswer | None = None
        # Files in memory and not pipes: a connection that ssh leaves behind would hold them. An
        # answer may hold a container's variables, and those a password.
        self._stderr = stack.enter_context(_memory_file())
        script = stack.enter_context(_memory_file())
        script.write(_script(words, timeout_seconds, self._mark.decode()).encode())
        script.seek(0)
        self._turn = stack.enter_context(HANDSHAKES.turn(ssh))
        self._process = None if self._turn.failure else self._started(ssh, script)

    def _started(self, ssh: Sequence[str], script: BinaryIO) -> subprocess.Popen[bytes] | None:
        try:
            make_control_directory()
            process = subprocess.Popen(
                [*ssh, "exec /bin/sh"], stdin=script, stdout=subprocess.PIPE, stderr=self._stderr
            )
        except FileNotFoundError:
            self._failure = HostAnswer(SSH_FAILED, "", "", Ending.NO_SSH)
            return None
        except PermissionError as error:
            self._failure = HostAnswer(SSH_FAILED, "", str(error), Ending.NOT_REACHED)
            return None
        with _running_lock:
            _running.add(process)
        self._stack.callback(_end, process)
        return process

    def __iter__(self) -> Iterator[bytes]:
        if self._process is None:
            return
        assert self._process.stdout is not None
        self._deadline = time.monotonic() + self._login_seconds
        for chunk in self._chunks(self._process.stdout):
            if self._begun is not None and self._limit is None:
                yield chunk
                continue
            self._kept += chunk
            if self._begun is None and self._found_begin():
                self._turn.logged_in()
                limit = float("inf") if self._limit is None else self._limit + GRACE_SECONDS
                self._deadline = time.monotonic() + limit
                if self._limit is None and self._kept:
                    yield self._kept

    def _chunks(self, stdout: IO[bytes]) -> Iterator[bytes]:
        poll = select.poll()
        poll.register(stdout, select.POLLIN)
        while True:
            left = self._deadline - time.monotonic()
            if left <= 0:
                self._is_late = True
                return
            if not poll.poll(min(left, 1.0) * 1000):
                # ssh may have ended while something that it left behind holds its stdout.
                if self._process is not None and self._process.poll() is not None:
                    return
                continue
            chunk = os.read(stdout.fileno(), _CHUNK_BYTES)
            if not chunk:
                return
            yield chunk

    def _found_begin(self) -> bool:
        noise, mark, rest = self._kept.partition(self._mark + b" ")
        line, end, rest = rest.partition(b"\n")
        if not mark or not end:
            return False
        self._begun, self._kept = line, rest
        self._noise = noise
        return True

    def answer(self) -> HostAnswer:
        """What came of it, once it was read to its end."""
        if self._turn.failure is not None:
            return self._turn.failure
        found = self._failure or self._answer()
        if not found.is_reached:
            self._turn.failed(found)
        return found

    def _answer(self) -> HostAnswer:
        assert self._process is not None
        code = self._code()
        stderr = self._said()
        if self._begun is None:
            return self._not_begun(code, stderr)
        answer = HostAnswer(
            code,
            "",
            stderr,
            noise=_text(self._noise).strip(),
            docker_host=_text(self._begun).strip(),
            limit_seconds=self._limit or 0.0,
        )
        if self._limit is None:
            is_cut = code == SSH_FAILED
            return replace(answer, kind=Ending.CUT if is_cut else Ending.ENDED)
        stdout, mark, ended = self._kept.rpartition(b"\n" + self._mark + b" ")
        if not mark:
            kind = Ending.STUCK if self._is_late else Ending.CUT
            return replace(answer, code=SSH_FAILED, stdout=_text(self._kept), kind=kind)
        status, _, seconds = ended.decode().strip().partition(" ")
        if int(status) in TIMED_OUT and int(seconds) >= self._limit:
            answer = replace(answer, kind=Ending.STUCK)
            status = str(SSH_FAILED)
        return replace(answer, code=int(status), stdout=_text(stdout))

    def _not_begun(self, code: int, stderr: str) -> HostAnswer:
        if self._is_late:
            kind = Ending.SILENT
        else:
            kind = Ending.NOT_REACHED if code == SSH_FAILED else Ending.NO_SHELL
        noise = _text(self._kept).strip()
        return HostAnswer(SSH_FAILED, "", stderr, kind, noise, limit_seconds=self._login_seconds)

    def _code(self) -> int:
        assert self._process is not None
        if self._is_late:
            return SSH_FAILED
        try:
            return self._process.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            return SSH_FAILED

    def _said(self) -> str:
        """What the command itself wrote to stderr; all of it if it wasn't begun."""
        self._stderr.seek(0)
        said = self._stderr.read()
        _, mark, after = said.partition(self._mark + b"\n")
        return _text(after if mark else said)


def _script(words: Sequence[str], timeout_seconds: float | None, mark: str) -> str:
    """What /bin/sh is told: both markers, and between them the command with its time limit."""
    lines = [
        f'was="${{DOCKER_HOST:-${{DOCKER_CONTEXT:-}}}}"; unset {_UNSET}',
        f"DOCKER_HOST=unix://{DOCKER_SOCKET}; export DOCKER_HOST",
        f"""printf '\\n%s %s\\n' {mark} "$was"; printf '%s\\n' {mark} >&2""",
    ]
    command = shlex.join(words)
    if timeout_seconds is None:
        return "\n".join([*lines, f"exec {command} </dev/null\n"])
    limit = f"timeout -k 1 {timeout_seconds:g}"
    return "\n".join(
        [
            f'l="{limit}"; $l true 2>/dev/null || l=',
            *lines,
            "a=$(date +%s)",
            f"$l {command} </dev/null",
            f"""printf '\\n%s %s %s\\n' {mark} "$?" "$(($(date +%s) - a + 1))\"""",
            "",
        ]
    )


def over_ssh_verbatim(words: Sequence[str], mark: str = "") -> str:
    """A command for ssh's own command line, whose stdin is then the command's; what comes before
    the mark, a line by itself, is of the login."""
    lines = [
        f"unset {_UNSET}",
        f"DOCKER_HOST=unix://{DOCKER_SOCKET}; export DOCKER_HOST",
        f"echo {mark}" if mark else ":",
        f"exec {shlex.join(words)}",
    ]
    return f"exec /bin/sh -c {shlex.quote('; '.join(lines))}"


def leave_connection(ssh: Sequence[str]) -> None:
    """Lets the next command log in again; what goes on over the shared connection isn't ended."""
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        subprocess.run(
            [*ssh[:-1], "-O", "stop", ssh[-1]],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=GRACE_SECONDS,
            check=False,
        )


def end_all() -> None:
    """Ends every ssh that is under way: after Ctrl-C nothing is waited for."""
    with _running_lock:
        for process in _running:
            process.kill()


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
    if process.stdout is not None:
        process.stdout.close()
    with _running_lock:
        _running.discard(process)


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def _memory_file() -> BinaryIO:
    return os.fdopen(os.memfd_create("answer"), "w+b")
