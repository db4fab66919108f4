"""A session on a stack's Config DB, with its own user, from here or through EXCS's host."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager

from engage.database import STATEMENT_SECONDS, Connect, Database, Login
from engage.errors import DatabaseError, NotRecognised
from exctl.errors import ExctlError, NothingTouched
from exctl.hosts import Via
from exctl.site import Site
from health.preflight.subject import ServerAddress
from health.preflight.tunnel import Tunnels
from stack.ssh import make_control_directory, ssh_target

SECRET = "configDbPassword"
CONNECT_SECONDS = 10
SESSION_SECONDS = 600
"""Chosen: how long a survey may take in all over an SSH connection, half of it twice."""


@contextmanager
def session(site: Site, secrets: Mapping[str, str], via: Via) -> Iterator[Database]:
    """Raises ExctlError in an operator's words for all that goes wrong, in the block too."""
    password = secrets.get(SECRET)
    if password is None:
        raise NothingTouched(
            f"{SECRET} isn't set; set it: exctl secret set {SECRET} --stack {site.stack}."
        )
    settings = site.config.excs.config_db
    login = Login(
        settings.host,
        settings.known_port,
        settings.name,
        settings.user,
        password,
        settings.ssl,
        site.config.preflight.ca_path,
    )
    with ExitStack() as held:
        try:
            database = _opened(settings.type, _way(site, via, held), login)
            held.callback(database.close)
            yield database
        except (DatabaseError, NotRecognised, OSError) as error:
            raise ExctlError(_worded(error, site, via), touched=False) from None


def _way(site: Site, via: Via, held: ExitStack) -> Connect:
    settings = site.config.excs.config_db
    host, port = settings.host, settings.known_port
    if via == "direct":
        return lambda: _limited(socket.create_connection((host, port), CONNECT_SECONDS))
    make_control_directory()
    ssh = ssh_target(site.config.ssh, site.config.excs.host).command
    tunnels = held.enter_context(Tunnels(ssh, SESSION_SECONDS / 2))
    return lambda: _limited(tunnels.connect(ServerAddress(host, port)))


def _limited(connection: socket.socket) -> socket.socket:
    """The server ends a statement; this is for a server that is gone."""
    connection.settimeout(STATEMENT_SECONDS + CONNECT_SECONDS)
    return connection


def _opened(kind: str, connect: Connect, login: Login) -> Database:
    """Only the driver that is needed is loaded."""
    if kind == "postgresql":
        from engage.postgresql import PostgreSql

        return PostgreSql(connect, login)
    if kind == "mssql":
        from engage.sqlserver import SqlServer

        return SqlServer(connect, login)
    from engage.oracle import Oracle

    return Oracle(connect, login)


def _worded(error: Exception, site: Site, via: Via) -> str:
    settings = site.config.excs.config_db
    where = f"{settings.name} at {settings.host}:{settings.known_port}"
    way = f"through {site.config.excs.host}" if via == "ssh" else "from this host"
    if isinstance(error, NotRecognised):
        return _not_recognised(error, where, settings.user)
    kind = error.kind if isinstance(error, DatabaseError) else "lost"
    code = f" (code {error.code})" if isinstance(error, DatabaseError) and error.code else ""
    other_way = "direct" if via == "ssh" else "ssh"
    match kind:
        case "refused":
            return (
                f"the Config DB {where} refuses {settings.user} or {SECRET}{code}; correct"
                f" excs.config_db.user, or: exctl secret set {SECRET} --stack {site.stack}."
            )
        case "no such database":
            return (
                f"{settings.host}:{settings.known_port} has no database {settings.name}{code};"
                f" correct excs.config_db.name."
            )
        case "no tls":
            return f"the Config DB {where} speaks no TLS, but excs.config_db.ssl is true."
        case "timeout":
            return f"the Config DB {where} gave no answer within {STATEMENT_SECONDS} s{code}."
        case "lost":
            return (
                f"no session with the Config DB {where} {way}: the connection ended without an"
                f" answer. To find the cause: exctl doctor --stack {site.stack}; the other way:"
                f" exctl survey --via {other_way} --stack {site.stack}."
            )
    return f"the Config DB {where} answers with an error{code}."


def _not_recognised(error: NotRecognised, where: str, user: str) -> str:
    if error.schemas:
        return (
            f"{where} has several schemas with the tables {error.table}"
            f" ({', '.join(error.schemas)}), and none is {user}'s own; give the user the right one"
            " as its default schema."
        )
    return (
        f"{where} shows {user} no tables {error.table}: it isn't a Config DB, or {user} may not"
        f" read it."
    )
