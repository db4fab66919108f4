"""One HTTP question to a service, answered or given up within a few seconds.

http.client on a socket of ours and not `requests`: the same code then speaks over a TCP connection
and over `ssh -W`, no proxy variable of the operator's shell sends a probe elsewhere, no redirect
is followed, and the whole answer has one time limit. (requests' limit is for each read, so a
service that sends a byte now and then would hold a gate for ever.)
"""

from __future__ import annotations

import http.client
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from stack.text import plain_text

PROBE_TIMEOUT_SECONDS = 5.0
"""Chosen: a service that takes longer than this to say that it is well isn't well."""
BODY_LIMIT_BYTES = 1 << 20


@dataclass(frozen=True)
class Answer:
    """What came back: an HTTP status code with its body, or else why nothing did."""

    code: int | None
    body: bytes = b""
    error: str = ""
    is_refused: bool = False
    """Nothing listens on the port: certain, where a time-out leaves doubt."""
    seconds: float = 0.0

    @property
    def is_ok(self) -> bool:
        return self.code == 200

    def __str__(self) -> str:
        return self.error if self.code is None else f"HTTP {self.code}"


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


def ssh_probe(ssh: Sequence[str], timeout_seconds: float = PROBE_TIMEOUT_SECONDS) -> Probe:
    """A probe from the service's host itself, for networks where only SSH is open.

    `ssh` is the whole command up to and with the destination. `-W` joins its stdin and stdout to
    the service's port on that host's loopback, over the run's one connection to the host.
    """

    def probe(url: str) -> Answer:
        _, port = _address(url)
        command = [*ssh[:-1], "-W", f"127.0.0.1:{port}", ssh[-1]]
        started = time.monotonic()
        ours, theirs = socket.socketpair()
        # A file and not a pipe: ssh may leave the shared connection behind in the background,
        # holding the pipe's end, and reading it to its end would then wait for that.
        with ours, tempfile.TemporaryFile() as words:
            with theirs:
                end = theirs.fileno()
                process = subprocess.Popen(command, stdin=end, stdout=end, stderr=words)
            try:
                answer = _ask(ours, url, started, timeout_seconds)
            finally:
                ours.close()
                _end(process)
            if answer.code is not None:
                return answer
            words.seek(0)
            return _in_words_of_ssh(answer, plain_text(words.read().decode("utf-8", "replace")))

    return probe


def _in_words_of_ssh(answer: Answer, said: str) -> Answer:
    if not said:
        return answer
    # Its words for 'the host was reached, and nothing listens on that port there'.
    refused = "open failed" in said and "Connection refused" in said
    error = "connection refused" if refused else f"ssh: {said}"
    return Answer(None, error=error, is_refused=refused, seconds=answer.seconds)


def _address(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    if parts.scheme != "http" or parts.hostname is None:
        raise ValueError(f"{url} isn't an http:// URL with a host")
    return parts.hostname, parts.port or http.client.HTTP_PORT


def _ask(connection: socket.socket, url: str, started: float, timeout_seconds: float) -> Answer:
    """The answer over a connected socket; the watchdog ends it when the time is up."""
    host, port = _address(url)
    client = http.client.HTTPConnection(host, port)
    client.sock = connection
    left = max(0.0, started + timeout_seconds - time.monotonic())
    connection.settimeout(timeout_seconds)
    watchdog = threading.Timer(left, _cut, [connection])
    watchdog.start()
    try:
        client.request("GET", urlsplit(url).path or "/", headers={"Connection": "close"})
        response = client.getresponse()
        body = response.read(BODY_LIMIT_BYTES)
        return Answer(response.status, body, seconds=time.monotonic() - started)
    except (OSError, http.client.HTTPException) as error:
        return _no_answer(error, started, timeout_seconds)
    finally:
        watchdog.cancel()


def _cut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:  # it ended by itself meanwhile
        return


def _no_answer(error: Exception, started: float, timeout_seconds: float) -> Answer:
    seconds = time.monotonic() - started
    refused = isinstance(error, ConnectionRefusedError)
    if refused:
        text = "connection refused"
    elif isinstance(error, TimeoutError) or seconds >= timeout_seconds:
        text = f"no answer within {timeout_seconds:g} seconds"
    elif isinstance(error, http.client.RemoteDisconnected | ConnectionError):
        text = "connection closed without an answer"
    elif isinstance(error, OSError):
        text = plain_text(error.strerror or error)
    else:
        text = f"not an HTTP answer ({type(error).__name__})"
    return Answer(None, error=text, is_refused=refused, seconds=seconds)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Waits for ssh, whose stdin is closed by now, and kills it if it lingers."""
    try:
        process.wait(1)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
