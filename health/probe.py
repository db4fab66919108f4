"""One HTTP question to a service, answered or given up within a few seconds.

http.client on a socket of ours and not `requests`: the same code then speaks over a TCP connection
and over `ssh -W`, no proxy variable of the operator's shell sends a probe elsewhere, no redirect
is followed, and the whole answer has one time limit. (requests' limit is for each read, so a
service that sends a byte now and then would hold a gate for ever.)
"""

from __future__ import annotations

import http.client
import socket
import ssl
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

from stack.text import plain_text

PROBE_TIMEOUT_SECONDS = 5.0
"""Chosen: a service that takes longer than this to say that it is well isn't well."""
BODY_LIMIT_BYTES = 1 << 20
SSH_FAILED = 255
"""ssh's exit code where it failed itself. Source: ssh(1), EXIT STATUS."""


class AnswerKind(StrEnum):
    """What a probe came back with. REFUSED alone is certain that nothing serves there."""

    OK = "ok"
    """HTTP 200."""
    UNHEALTHY = "unhealthy"
    """HTTP 5xx: the service itself says that it isn't well."""
    ODD = "odd"
    """Another HTTP code, or something that isn't HTTP."""
    REFUSED = "refused"
    """Nothing listens on the port."""
    NO_ANSWER = "no_answer"
    """Not in time, or the connection was closed without an answer."""
    FORWARD_FAILED = "forward_failed"
    """SSH reached the host and opened no way to the port: it is closed, or sshd forwards nothing.
    Over a shared connection ssh doesn't say which (Measured: OpenSSH 9.2)."""
    UNREACHABLE = "unreachable"
    """The host isn't reached at all: no route, no such name, no SSH."""
    NOT_ASKED = "not_asked"


@dataclass(frozen=True)
class Answer:
    """What came back: an HTTP status code with its body, or else why nothing did."""

    code: int | None
    body: bytes = b""
    error: str = ""
    failure: AnswerKind = AnswerKind.NO_ANSWER
    """Where there is no code: what kept it away."""
    seconds: float = 0.0

    @property
    def kind(self) -> AnswerKind:
        if self.code is None:
            return self.failure
        if self.code == 200:
            return AnswerKind.OK
        return AnswerKind.UNHEALTHY if self.code >= 500 else AnswerKind.ODD

    @property
    def is_ok(self) -> bool:
        return self.kind is AnswerKind.OK

    def __str__(self) -> str:
        return self.error if self.code is None else f"HTTP {self.code}"


NOT_ASKED = Answer(None, error="not asked", failure=AnswerKind.NOT_ASKED)


Probe = Callable[[str], Answer]
"""GET of a URL; never raises for what the other side does."""


def direct_probe(timeout_seconds: float = PROBE_TIMEOUT_SECONDS) -> Probe:
    """A probe from this host to the service's own address, as the vendor's curl does."""

    def probe(url: str) -> Answer:
        host, port = _address(url)
        started = time.monotonic()
        try:
            connection = socket.create_connection((host, port), timeout_seconds)
        except OSError as error:
            return _no_answer(error, started, timeout_seconds)
        with connection:
            return _ask(connection, url, started, timeout_seconds)

    return probe


def ssh_probe(
    ssh: Sequence[str], timeout_seconds: float = PROBE_TIMEOUT_SECONDS, is_alone: bool = False
) -> Probe:
    """A probe from the service's host itself, for networks where only SSH is open.

    `ssh` is the whole command up to and with the destination. `-W` joins its stdin and stdout to
    the service's port on that host's loopback, over the run's one connection to the host.

    `is_alone`: by a login of its own, which costs a handshake and tells a closed port from an sshd
    that forwards nothing.
    """
    alone = ["-o", "ControlPath=none", "-o", "LogLevel=INFO"] if is_alone else []

    def probe(url: str) -> Answer:
        _, port = _address(url)
        command = [ssh[0], *alone, *ssh[1:-1], "-W", f"127.0.0.1:{port}", ssh[-1]]
        started = time.monotonic()
        ours, theirs = socket.socketpair()
        # A file and not a pipe: ssh may leave the shared connection behind in the background,
        # holding the pipe's end, and reading it to its end would then wait for that.
        with ours, tempfile.TemporaryFile() as words:
            with theirs:
                end = theirs.fileno()
                try:
                    process = subprocess.Popen(command, stdin=end, stdout=end, stderr=words)
                except OSError as error:
                    why = f"ssh can't be started: {error.strerror}"
                    return Answer(None, error=why, failure=AnswerKind.UNREACHABLE)
            try:
                answer = _ask(ours, url, started, timeout_seconds)
            finally:
                ours.close()
                code = _end(process)
            if answer.code is not None or code != SSH_FAILED:
                return answer
            words.seek(0)
            return _ssh_message(answer, words.read().decode("utf-8", "replace"))

    return probe


def _ssh_message(answer: Answer, said: str) -> Answer:
    """ssh has no codes for what went wrong. Source: OpenSSH 9.2, channels.c, mux.c, ssh.c."""
    lines = [plain_text(line) for line in said.splitlines() if line.strip()]
    kind, error = AnswerKind.UNREACHABLE, f"ssh: {lines[-1] if lines else 'no words'}"
    if "open failed: connect failed: Connection refused" in said:
        kind, error = AnswerKind.REFUSED, "connection refused"
    elif "open failed" in said or "forwarding" in said.lower():
        kind = AnswerKind.FORWARD_FAILED
    return Answer(None, error=error, failure=kind, seconds=answer.seconds)


def _address(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    default = {"http": http.client.HTTP_PORT, "https": http.client.HTTPS_PORT}.get(parts.scheme)
    if default is None or parts.hostname is None:
        raise ValueError(f"{url} isn't a URL with a host, http:// or https://")
    return parts.hostname, parts.port or default


def _ask(connection: socket.socket, url: str, started: float, timeout_seconds: float) -> Answer:
    """The answer over a connected socket; the watchdog ends it when the time is up."""
    host, port = _address(url)
    client = http.client.HTTPConnection(host, port)
    connection.settimeout(timeout_seconds)
    left = max(0.0, started + timeout_seconds - time.monotonic())
    lifeline = connection.dup()  # TLS takes the connection's own descriptor
    watchdog = threading.Timer(left, _cut, [lifeline])
    watchdog.start()
    try:
        client.sock = _secured(connection) if url.startswith("https:") else connection
        client.request("GET", urlsplit(url).path or "/", headers={"Connection": "close"})
        response = client.getresponse()
        body = response.read(BODY_LIMIT_BYTES)
        return Answer(response.status, body, seconds=time.monotonic() - started)
    except (OSError, http.client.HTTPException) as error:
        return _no_answer(error, started, timeout_seconds)
    finally:
        watchdog.cancel()
        client.close()
        lifeline.close()


def _secured(connection: socket.socket) -> socket.socket:
    """The connection with TLS. Its certificate isn't judged: a probe says nothing secret and asks
    whether something serves, and what is placed makes a certificate itself."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context.wrap_socket(connection)


def _cut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:  # it ended by itself meanwhile
        return


def _no_answer(error: Exception, started: float, timeout_seconds: float) -> Answer:
    seconds = time.monotonic() - started
    kind = AnswerKind.NO_ANSWER
    if isinstance(error, ConnectionRefusedError):
        kind, text = AnswerKind.REFUSED, "connection refused"
    elif isinstance(error, TimeoutError) or seconds >= timeout_seconds:
        text = f"no answer within {timeout_seconds:g} seconds"
    elif isinstance(error, http.client.RemoteDisconnected | ConnectionError):
        text = "connection closed without an answer"
    elif isinstance(error, OSError):
        kind, text = AnswerKind.UNREACHABLE, plain_text(error.strerror or error)
    else:
        kind, text = AnswerKind.ODD, f"not an HTTP answer ({type(error).__name__})"
    return Answer(None, error=text, failure=kind, seconds=seconds)


def _end(process: subprocess.Popen[bytes]) -> int:
    """ssh's exit code. Its stdin is closed by now: if it lingers it is killed."""
    try:
        return process.wait(1)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()
