"""HTTP that leaves from a host and is spoken from here, by `ssh -W`.

The host only passes bytes on, over the connection that all of ours share: nothing is installed on
it, no port is opened anywhere, TLS goes through to the other end, and a password goes from this
process to there alone.
"""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Callable, Sequence
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

Connect = Callable[[str, int], socket.socket]
"""Host and port, as the host that passes it on knows them → a socket whose other end they are."""


def dialled(
    ssh: Sequence[str], host: str, port: int
) -> tuple[socket.socket, subprocess.Popen[bytes]]:
    """A socket that leads to the address, and the ssh that passes it on; `ssh` is the command up to
    and with the destination. OSError if it can't be started.

    That nobody answers shows only when it's read: then it is at its end. Ctrl-C isn't passed on:
    what is under way is this process's to end.
    """
    ours, theirs = socket.socketpair()
    with theirs:
        try:
            process = subprocess.Popen(
                [*ssh[:-1], "-W", forwarded(host, port), ssh[-1]],
                stdin=theirs.fileno(),
                stdout=theirs.fileno(),
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError:
            ours.close()
            raise
    return ours, process


def forwarded(host: str, port: int) -> str:
    """An address as `-W` takes it."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


class TunnelAdapter(HTTPAdapter):
    """requests over such sockets. urllib3's pools take the classes of their connections from an
    attribute, made for this."""

    def __init__(self, connect: Connect, **settings: Any) -> None:
        self._connect = connect
        super().__init__(**settings)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)

        def connect(connection: HTTPConnection) -> socket.socket:
            return self._connect(connection.host, connection.port)

        plain = type("Plain", (HTTPConnection,), {"_new_conn": connect})
        secure = type("Secure", (HTTPSConnection,), {"_new_conn": connect})
        self._pools = {
            "http": type("PlainPool", (HTTPConnectionPool,), {"ConnectionCls": plain}),
            "https": type("SecurePool", (HTTPSConnectionPool,), {"ConnectionCls": secure}),
        }
        self.poolmanager.pool_classes_by_scheme = self._pools

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        """A proxy is reached over such a socket, and what is behind it through the proxy."""
        manager = super().proxy_manager_for(proxy, **kwargs)
        manager.pool_classes_by_scheme = self._pools
        return manager
