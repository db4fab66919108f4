"""Docker's Engine API over a socket, an SSH connection or TCP.

The `docker` package does this as well, but its import takes 0.28 s of the one second that a preview
has (measured); what is needed here is a page of HTTP.
"""

from __future__ import annotations

import base64
import http.client
import json
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from engine.ssh import POOL, Master, connected_to
from engine.ssh_target import SshError

API = "/v1.40"  # Docker 19.03 and later
CONNECT_SECONDS = 15


class DockerError(Exception):
    """A request failed; `status` is HTTP's, 0 if there was no answer. The text begins with the
    host."""

    def __init__(self, host: str, message: str, status: int = 0) -> None:
        super().__init__(f"{host}: {message}")
        self.message = message
        self.status = status


class Pulls:
    """The pulls under way. An interrupt needn't wait for them: half a pull harms nobody, and the
    daemon ends one whose client is gone."""

    def __init__(self) -> None:
        self._ended: dict[socket.socket, bool] = {}
        self._lock = threading.Lock()

    @contextmanager
    def noted(self, pull: socket.socket) -> Iterator[None]:
        """Within, `end` ends this one. InterruptedError if it did."""
        with self._lock:
            self._ended[pull] = False
        try:
            yield
        except (OSError, http.client.HTTPException):
            if self._ended[pull]:
                raise InterruptedError("ended, since the run was interrupted") from None
            raise
        finally:
            with self._lock:
                del self._ended[pull]

    def end(self) -> None:
        """End those that there are now."""
        with self._lock:
            for pull in self._ended:
                self._ended[pull] = True
                with suppress(OSError):  # it has just ended by itself
                    pull.shutdown(socket.SHUT_RDWR)


PULLS = Pulls()


class _Connection(http.client.HTTPConnection):
    """HTTP over a socket that somebody else opens."""

    def __init__(self, open_socket: Callable[[], socket.socket]) -> None:
        super().__init__("docker")
        self._open_socket = open_socket

    def connect(self) -> None:
        """Open it."""
        self.sock = self._open_socket()


def _tcp(address: str, tls: ssl.SSLContext | None) -> socket.socket:
    host, _, port = address.rpartition(":")
    found = socket.create_connection((host.strip("[]"), int(port)), CONNECT_SECONDS)
    return tls.wrap_socket(found, server_hostname=host.strip("[]")) if tls else found


def _dialled(master: Master) -> socket.socket:
    """A connection through `docker system dial-stdio`: for hosts whose sshd forwards nothing."""
    ours, theirs = socket.socketpair()
    with theirs:
        subprocess.Popen(
            master.run_argv("docker", "system", "dial-stdio"),
            stdin=theirs.fileno(),
            stdout=theirs.fileno(),
            stderr=subprocess.DEVNULL,
        )
    return ours


def tls_of(certificates: str) -> ssl.SSLContext:
    """The TLS context of a directory with ca.pem, cert.pem and key.pem."""
    folder = Path(certificates).expanduser()
    context = ssl.create_default_context(cafile=str(folder / "ca.pem"))
    context.load_cert_chain(str(folder / "cert.pem"), str(folder / "key.pem"))
    return context


class Docker:
    """One daemon. Thread-safe: each request has its own connection, which costs nothing through a
    forwarded socket."""

    def __init__(self, url: str, ssh_options: Sequence[str] = (), cert_path: str = "") -> None:
        self.url = url
        self._ssh_options = list(ssh_options)
        self._cert_path = cert_path
        self._open: Callable[[], socket.socket] | None = None
        self._lock = threading.Lock()

    def connect(self) -> None:
        """Reach the daemon. DockerError, within 15 s of each try, if it doesn't answer."""
        with self._lock:
            if self._open is None:
                self._open = self._way()

    def _way(self) -> Callable[[], socket.socket]:
        scheme = urlsplit(self.url).scheme
        rest = self.url.partition("://")[2]
        if scheme == "unix":
            return self._tried(lambda: connected_to(rest))
        if scheme in ("tcp", "http", "https"):
            tls = tls_of(self._cert_path) if self._cert_path else None
            return self._tried(lambda: _tcp(rest.rstrip("/"), tls))
        if scheme == "ssh":
            return self._by_ssh()
        raise DockerError(self.url, "this engine reaches Docker by unix://, tcp:// or ssh:// only")

    def _by_ssh(self) -> Callable[[], socket.socket]:
        try:
            master = POOL.master(self.url, self._ssh_options)
        except SshError as problem:
            raise DockerError(self.url, str(problem).partition(": ")[2]) from None
        with suppress(DockerError, SshError):
            return self._tried(master.connected)
        return self._tried(lambda: _dialled(master))

    def _tried(self, way: Callable[[], socket.socket]) -> Callable[[], socket.socket]:
        """The same way, once it has led to an answering daemon."""
        try:
            connection = _Connection(way)
            connection.request("GET", "/_ping")
            answer = connection.getresponse()
            answer.read()
            connection.close()
        except (OSError, http.client.HTTPException, ValueError) as problem:
            words = str(problem) or type(problem).__name__
            raise DockerError(
                self.url, f"failed to connect to any docker daemon ({words}); is it running?"
            ) from None
        if answer.status >= 400:
            raise DockerError(self.url, f"the daemon answers {answer.status}", answer.status)
        return way

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_seconds: float = 60,
        is_pull: bool = False,
    ) -> bytes:
        """The body of the answer. DockerError with Docker's own message if it's an error."""
        self.connect()
        assert self._open is not None
        sent = dict(headers or {})
        data = body
        if body is not None and not isinstance(body, bytes):
            data = json.dumps(body).encode()
            sent["Content-Type"] = "application/json"
        words = f"?{urlencode(query)}" if query else ""
        connection = _Connection(self._open)
        try:
            connection.connect()
            connection.sock.settimeout(timeout_seconds)
            with PULLS.noted(connection.sock) if is_pull else nullcontext():
                connection.request(method, f"{API}{path}{words}", data, sent)
                answer = connection.getresponse()
                found = answer.read()
        except (OSError, SshError, http.client.HTTPException) as problem:
            words = str(problem) or type(problem).__name__
            raise DockerError(self.url, f"{method} {path}: {words}") from None
        finally:
            connection.close()
        if answer.status >= 400:
            raise DockerError(self.url, _message(found), answer.status)
        return found

    def get(self, path: str, **query: Any) -> Any:
        """The JSON of a GET; None if there is no such thing."""
        try:
            return json.loads(self.request("GET", path, query=query or None))
        except DockerError as problem:
            if problem.status == 404:
                return None
            raise

    def post(self, path: str, body: Any = None, **more: Any) -> Any:
        """The JSON of a POST, None if it has none."""
        found = self.request("POST", path, body, **more)
        return json.loads(found) if found.strip() else None

    def pull(self, name: str, platform: str, auth: Mapping[str, str] | None) -> None:
        """Pull an image. DockerError with the daemon's or the registry's words."""
        headers = {}
        if auth:
            headers["X-Registry-Auth"] = base64.urlsafe_b64encode(
                json.dumps(dict(auth)).encode()
            ).decode()
        repository, tag = split_image(name)
        query = {"fromImage": repository, **({"tag": tag} if tag else {})}
        if platform:
            query["platform"] = platform
        found = self.request(
            "POST",
            "/images/create",
            query=query,
            headers=headers,
            timeout_seconds=1200,
            is_pull=True,
        )
        for line in found.splitlines():
            if line.strip() and (error := json.loads(line).get("error")):
                raise DockerError(self.url, str(error), 500)


def _message(body: bytes) -> str:
    try:
        return str(json.loads(body)["message"])
    except (ValueError, KeyError, TypeError):
        return body.decode(errors="replace").strip() or "no message"


def split_image(name: str) -> tuple[str, str]:
    """Repository and tag (or digest); the tag is `latest` if none is named."""
    if "@" in name:
        repository, _, digest = name.partition("@")
        return repository, digest
    repository, colon, tag = name.rpartition(":")
    if colon and "/" not in tag:
        return repository, tag
    return name, "latest"


def escaped(name: str) -> str:
    """The name as part of a path."""
    return quote(name, safe="/:@")
