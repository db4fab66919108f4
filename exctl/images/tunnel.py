"""A way to the registry through a host's SSH connection, for sites where only the hosts reach it.

Each connection is an `ssh -W` of its own over the connection that all of ours share: no port is
opened on this machine, nothing is left on the host, and TLS goes through to the registry itself.
"""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Sequence
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3 import PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import NewConnectionError

Way = Sequence[str]
"""The ssh command up to and with the destination."""


def adapter(way: Way) -> HTTPAdapter:
    """Makes requests' connections go that way."""
    return _Adapter(way)


class _Adapter(HTTPAdapter):
    def __init__(self, way: Way) -> None:
        self._way = tuple(way)
        super().__init__()

    def init_poolmanager(self, *arguments: Any, **settings: Any) -> None:
        super().init_poolmanager(*arguments, **settings)
        manager: PoolManager = self.poolmanager
        way = self._way

        class Plain(HTTPConnection):
            def _new_conn(self) -> socket.socket:
                return _joined(self, way)

        class Secure(HTTPSConnection):
            def _new_conn(self) -> socket.socket:
                return _joined(self, way)

        class PlainPool(HTTPConnectionPool):
            ConnectionCls = Plain

        class SecurePool(HTTPSConnectionPool):
            ConnectionCls = Secure

        manager.pool_classes_by_scheme = {"http": PlainPool, "https": SecurePool}


def _joined(connection: HTTPConnection, way: Way) -> socket.socket:
    """A socket whose other end is the registry, as the host sees it."""
    command = [*way[:-1], "-W", f"{connection.host}:{connection.port}", way[-1]]
    ours, theirs = socket.socketpair()
    with theirs:
        try:
            subprocess.Popen(
                command,
                stdin=theirs.fileno(),
                stdout=theirs.fileno(),
                stderr=subprocess.DEVNULL,
                # Ctrl-C is for us: a chunk under way is to be finished.
                start_new_session=True,
            )
        except OSError as error:
            ours.close()
            raise NewConnectionError(connection, f"ssh: {error}") from None
    return ours
