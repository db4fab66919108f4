"""The preflight's connections from a host: each with its time, and what is trusted over it."""

from __future__ import annotations

import contextlib
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Sequence
from typing import Any

import requests

from health.preflight.subject import ServerAddress
from hosts.tunnel import TunnelAdapter, dialled

TIMEOUT_SECONDS = 5.0
"""Chosen: what takes longer to answer a login isn't well."""


_SSH_FAILED = 255


class Tunnels:
    """Opens connections from one host; `ssh` is the command up to and with the destination."""

    def __init__(self, ssh: Sequence[str], timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        self._ssh = tuple(ssh)
        self.timeout_seconds = timeout_seconds
        self._stack = contextlib.ExitStack()
        self._processes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Tunnels:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def connect(self, to: ServerAddress) -> socket.socket:
        """A socket whose other end the host connects; closed, with ssh ended, after the block."""
        ours, process = dialled(self._ssh, to.host, to.port)
        ours.settimeout(self.timeout_seconds)
        self._processes.append(process)
        # Each read has this limit; the watchdog ends what goes on for ever, a byte at a time.
        watchdog = threading.Timer(2 * self.timeout_seconds, process.kill)
        watchdog.start()
        self._stack.callback(_end, ours, process, watchdog)
        return ours

    def was_refused(self) -> bool:
        """Whether ssh itself ended the last connection: nobody there, or sshd forwards nothing."""
        try:
            return bool(self._processes) and self._processes[-1].wait(0.5) == _SSH_FAILED
        except subprocess.TimeoutExpired:
            return False

    def session(self, certificates: ssl.SSLContext, proxy: str | None = None) -> requests.Session:
        """HTTP from the host: `http_session`, closed after the block."""
        session = http_session(self.connect, certificates, self.timeout_seconds, proxy)
        return self._stack.enter_context(session)


def http_session(
    connect: Callable[[ServerAddress], socket.socket],
    certificates: ssl.SSLContext,
    timeout_seconds: float,
    proxy: str | None = None,
) -> requests.Session:
    """HTTP over such sockets: certificates checked by this context, no proxy but the one given,
    nothing retried."""
    session = requests.Session()
    session.trust_env = False
    if proxy is not None:
        session.proxies = {"http": proxy, "https": proxy}
    adapter = _Adapter(connect, certificates, timeout_seconds)
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    return session


def _end(ours: socket.socket, process: subprocess.Popen[bytes], watchdog: threading.Timer) -> None:
    watchdog.cancel()
    ours.close()
    process.kill()
    process.wait()


class _Adapter(TunnelAdapter):
    def __init__(
        self,
        connect: Callable[[ServerAddress], socket.socket],
        certificates: ssl.SSLContext,
        timeout_seconds: float,
    ) -> None:
        self._timeout_seconds = timeout_seconds
        self._certificates = certificates
        super().__init__(lambda host, port: connect(ServerAddress(host, port)), max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, ssl_context=self._certificates, **kwargs)

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        return super().proxy_manager_for(proxy, ssl_context=self._certificates, **kwargs)

    def send(self, request: Any, *args: Any, **kwargs: Any) -> requests.Response:
        kwargs["timeout"] = self._timeout_seconds
        # The context decides what is trusted; requests would put its own list in its place.
        kwargs["verify"] = self._certificates.verify_mode != ssl.CERT_NONE
        return super().send(request, *args, **kwargs)

    def cert_verify(self, *_args: Any, **_kwargs: Any) -> None:
        """Left to the context."""


def trusting(ca_path: str | None, certificates: str = "") -> ssl.SSLContext:
    """A context that trusts the system's authorities, those of a file, and those given (PEM)."""
    context = ssl.create_default_context()
    if ca_path is not None:
        context.load_verify_locations(cafile=ca_path)
    if certificates:
        with contextlib.suppress(ssl.SSLError):  # the host's file isn't PEM: nothing to trust
            context.load_verify_locations(cadata=certificates)
    return context


def trusting_anybody() -> ssl.SSLContext:
    """TLS with whoever answers, for what is configured that way."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
