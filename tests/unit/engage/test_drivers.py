"""SQL Server's and Oracle's drivers as far as they can be tried without a server: how a session is
asked for, how names are quoted, and what becomes of errors. No real server has proved them."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from functools import partial

import oracledb
import pytds
import pytest

from engage import oracle, sqlserver
from engage.database import Connect, Database, Login
from engage.errors import DatabaseError
from engage.oracle import Oracle
from engage.sqlserver import SqlServer

# oracledb 26.1 forgets to close its socket where the connection is reset before it is logged in.
RESET = pytest.mark.filterwarnings(
    r"ignore:(?s).*socket\.socket:pytest.PytestUnraisableExceptionWarning"
)
Open = Callable[[Connect, Login], Database]
LOGIN = Login("db.example", 1433, "engage", "exec_ro", "never-shown")


@pytest.fixture
def silent() -> Iterator[Connect]:
    """A server that takes connections and hangs up at the first word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            try:
                while True:
                    connection, _ = listener.accept()
                    with connection:
                        connection.recv(1)
            except OSError:
                return

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        port = listener.getsockname()[1]
        yield lambda: socket.create_connection(("127.0.0.1", port), 5)
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(5)


@RESET
@pytest.mark.parametrize("opened", [partial(SqlServer, login_seconds=1), Oracle])
def test_what_hangs_up_is_a_lost_connection(opened: Open, silent: Connect) -> None:
    with pytest.raises(DatabaseError) as caught:
        opened(silent, LOGIN)
    assert caught.value.kind == "lost"
    assert "never-shown" not in str(caught.value)


@RESET
@pytest.mark.parametrize("opened", [SqlServer, Oracle])
def test_nobody_there_is_a_lost_connection(opened: Open) -> None:
    def refused() -> socket.socket:
        raise ConnectionRefusedError

    with pytest.raises(DatabaseError) as caught:
        opened(refused, LOGIN)
    assert caught.value.kind == "lost"


@pytest.mark.parametrize(
    ("number", "kind"),
    [(18456, "refused"), (4060, "no such database"), (229, "denied"), (1, "failed")],
)
def test_errors_of_sql_server_go_by_their_number(number: int, kind: str) -> None:
    error = pytds.tds_base.OperationalError("the server's words")
    error.number = number
    found = sqlserver._explained(error)
    assert (found.kind, found.code) == (kind, str(number))
    assert "words" not in str(found)


@pytest.mark.parametrize(
    ("code", "kind"),
    [(1017, "refused"), (12514, "no such database"), (942, "denied"), (600, "failed")],
)
def test_errors_of_oracle_go_by_their_code(code: int, kind: str) -> None:
    class About:
        full_code = f"ORA-{code:05}"

    found = oracle._explained(oracledb.DatabaseError(About()))
    assert (found.kind, found.code) == (kind, f"ORA-{code:05}")


def test_names_are_quoted_as_each_server_does() -> None:
    assert SqlServer.quote(None, "a]b") == "[a]]b]"  # type: ignore[arg-type]  # no session is needed
    assert Oracle.quote(None, 'A"B') == '"A""B"'  # type: ignore[arg-type]  # likewise


def test_a_login_does_not_show_its_password() -> None:
    assert "never-shown" not in repr(LOGIN)
