"""A Config DB in Oracle, by oracledb in its thin mode, which needs no Oracle client. Never run
against a real server by us.

`excs.config_db.name` is taken as the service's name. A listener that sends clients on to another
address (RAC) can't be followed through a host's SSH connection.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from typing import Any

from engage.database import APPLICATION, ROWS_AT_ONCE, STATEMENT_SECONDS, Connect, Login
from engage.database import in_double_quotes as quoted
from engage.errors import DatabaseError, Kind
from health.preflight.tunnel import trusting_anybody

_CODES: dict[str, Kind] = {
    "ORA-01017": "refused",
    "ORA-28000": "refused",
    "ORA-12514": "no such database",
    "ORA-12505": "no such database",
    "DPY-6001": "no such database",
    "DPY-6003": "no such database",
    "ORA-00942": "denied",
    "ORA-01031": "denied",
    "DPY-4024": "timeout",
    "DPY-4011": "lost",
    "DPY-1001": "lost",
    "DPY-6005": "lost",
}
"""Source: Oracle's database error messages, python-oracledb's errors (DPY)."""


CLOSE_SECONDS = 5


class Oracle:
    """One transaction that reads only. Readers take no locks in Oracle."""

    catalogue_sql = (
        "select owner, table_name, column_name from all_tab_columns"
        " where lower(table_name) like 'cfg\\_%' escape '\\'"
    )
    own_schema_sql = "select sys_context('USERENV', 'CURRENT_SCHEMA') from dual"

    def __init__(self, connect: Connect, login: Login) -> None:
        import oracledb

        self._relay = _Relay(connect)
        try:
            self._connection = oracledb.connect(
                user=login.user,
                password=login.password,
                host="127.0.0.1",
                port=self._relay.port,
                service_name=login.database,
                protocol="tcps" if login.tls else "tcp",
                ssl_context=trusting_anybody() if login.tls else None,
                ssl_server_dn_match=False,
                program=APPLICATION.replace(" ", "-"),  # it allows no blank
                retry_count=0,
            )
            self._connection.call_timeout = STATEMENT_SECONDS * 1000
            self._begin()
        except Exception as error:  # noqa: BLE001  (what isn't a database at all ends in any error)
            self._relay.close()
            raise _explained(error) from None

    def quote(self, name: str) -> str:
        return quoted(name)

    def rows(self, sql: str) -> Iterator[Any]:
        try:
            with contextlib.closing(self._connection.cursor()) as cursor:
                cursor.arraysize = ROWS_AT_ONCE
                yield from cursor.execute(sql)
        except Exception as error:  # noqa: BLE001  (a connection that breaks ends in any error)
            raise _explained(error) from None

    def close(self) -> None:
        with contextlib.suppress(Exception):
            self._connection.close()
        self._relay.close()

    def _begin(self) -> None:
        with contextlib.closing(self._connection.cursor()) as cursor:
            cursor.execute("set transaction read only")


class _Relay:
    """A port of this machine's loopback that leads to one socket: oracledb takes no socket."""

    def __init__(self, connect: Connect) -> None:
        self._connect = connect
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=1)
        self.port: int = self._listener.getsockname()[1]
        self._server = threading.Thread(target=self._serve, daemon=True)
        self._server.start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError), contextlib.ExitStack() as held:
            ours = held.enter_context(self._listener.accept()[0])
            theirs = held.enter_context(self._connect())
            back = threading.Thread(target=_pump, args=(theirs, ours), daemon=True)
            back.start()
            _pump(ours, theirs)
            back.join()

    def close(self) -> None:
        """Wakes who waits for a client; what is under way ends with either of its ends."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._server.join(CLOSE_SECONDS)


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    for each in (source, sink):
        with contextlib.suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)


def _explained(error: Exception) -> DatabaseError:
    (about,) = error.args[:1] or (None,)
    code = str(getattr(about, "full_code", ""))
    if code:
        return DatabaseError(_CODES.get(code, "failed"), code)
    return DatabaseError("lost")
