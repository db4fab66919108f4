"""The `docker` library over a connection that somebody else opens."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import requests.adapters
from docker.api.client import APIClient
from docker.transport.basehttpadapter import BaseHTTPAdapter
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool

_NEWEST_API = "1.51"
"""Of Docker 28.5, whose API the resources are written for: what newer ones change isn't known."""


class _Connection(HTTPConnection):
    def __init__(self, way: Callable[[], socket.socket], timeout: Any) -> None:
        super().__init__("docker", timeout=timeout)
        self._way = way

    def connect(self) -> None:
        self.sock = self._way()
        seconds = self.timeout
        self.sock.settimeout(seconds if isinstance(seconds, int | float) else None)


class _Connections(HTTPConnectionPool):
    def __init__(self, way: Callable[[], socket.socket], at_once: int) -> None:
        super().__init__("docker", maxsize=at_once, block=True)
        self._way = way

    def _new_conn(self) -> _Connection:
        return _Connection(self._way, self.timeout.connect_timeout)


class _Adapter(BaseHTTPAdapter):
    def __init__(self, way: Callable[[], socket.socket], at_once: int) -> None:
        self._connections = _Connections(way, at_once)
        super().__init__()

    def get_connection(self, url: str | bytes, proxies: object = None) -> _Connections:
        return self._connections

    def request_url(self, request: requests.PreparedRequest, proxies: object) -> str:
        return request.path_url

    def close(self) -> None:
        self._connections.close()


class Api(APIClient):
    """The library's client over `way`. The version is negotiated by the first question: hosts with
    Docker 29 answer nothing below 1.44, old ones nothing above their own.

    `seconds`: how long an answer may take, unless the thread has a limit of its own (`within`).
    """

    def __init__(self, way: Callable[[], socket.socket], at_once: int, seconds: int) -> None:
        self._limit = threading.local()
        self._seconds = seconds
        super().__init__(base_url="unix:///docker", version=_NEWEST_API)
        self.trust_env = False  # no proxy leads to a socket, no .netrc belongs to it
        self.mount("http+docker://", _Adapter(way, at_once))
        said = self.version(api_version=False)
        least, most = said.get("MinAPIVersion") or "1.12", said["ApiVersion"]
        self._version = max(least, min(most, _NEWEST_API, key=_parts), key=_parts)

    @property
    def timeout(self) -> int:
        """What the library gives each request, in seconds."""
        return getattr(self._limit, "seconds", None) or self._seconds

    @timeout.setter
    def timeout(self, _: object) -> None:
        """The library's own idea is not taken."""

    @contextmanager
    def within(self, seconds: int) -> Iterator[None]:
        """In this thread and for as long, an answer may take that long."""
        self._limit.seconds = seconds
        try:
            yield
        finally:
            self._limit.seconds = None

    def post_json(self, path: str, body: Mapping[str, Any], *names: str) -> Any:
        """The answer to a POST of JSON; `names` fill the places in the path."""
        library: Any = self  # its types leave out what its own methods stand on
        answer = library._post_json(library._url(path, *names), data=body)
        library._raise_for_status(answer)
        return answer.json() if answer.content.strip() else None


def _parts(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
