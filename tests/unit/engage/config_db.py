"""A Config DB in a PostgreSQL of its own, on a loopback port."""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from engage.annex import wanted_annex
from engage.database import Login
from engage.postgresql import PostgreSql
from engage.results import Survey, Wanted
from engage.survey import taken
from lab import settings
from lab.processes import accepts, free_port, wait_for
from lab.standins.configdb import seed_sql
from tests.unit.lab.standins import LOOPBACK, Processes, as_postgres, postgres_programs, psql

URL = "https://cloud.lab"
ANNEX = wanted_annex(settings.ORG_ID, URL.removeprefix("https://"), None, None)


class ConfigDb:
    """The server with its database, and sessions on it as the stack's user or as its owner."""

    def __init__(self, port: int) -> None:
        self.port = port

    def sql(self, statements: str, database: str = settings.DATABASE) -> str:
        return psql(self.port, statements, database)

    @contextmanager
    def session(
        self,
        user: str = settings.DATABASE_USER,
        database: str = settings.DATABASE,
        password: str = settings.DATABASE_PASSWORD,
    ) -> Iterator[PostgreSql]:
        login = Login(LOOPBACK, self.port, database, user, password)
        opened = PostgreSql(lambda: socket.create_connection((LOOPBACK, self.port), 5), login)
        try:
            yield opened
        finally:
            opened.close()

    def survey(
        self,
        folders: tuple[str, ...] | None = ("Service",),
        tenant: str = "1",
        annex: Mapping[str, Mapping[str, str | None]] = ANNEX,
    ) -> Survey:
        with self.session() as database:
            return taken(database, Wanted(tenant, settings.ORG_ID, folders, 5400.0, annex))


@contextmanager
def config_db(log_directory: Path, agents: int) -> Iterator[ConfigDb]:
    """Ends, with all its files, after the block."""
    # PostgreSQL's user must be able to enter it, which pytest's own directories don't allow.
    data = Path(tempfile.mkdtemp(prefix="exec-engage-"))
    try:
        with ExitStack() as stack:
            yield _started(Processes(log_directory, stack), data, agents)
    finally:
        shutil.rmtree(data, ignore_errors=True)


def _started(processes: Processes, data: Path, agents: int) -> ConfigDb:
    if as_postgres():
        shutil.chown(data, "postgres", "postgres")
    programs, port = postgres_programs(), free_port()
    initdb = [*as_postgres(), f"{programs}/initdb", "-D", str(data), "-A", "trust"]
    subprocess.run(
        [*initdb, "-U", "postgres", "--no-sync", "--encoding=UTF8", "--locale=C"],
        cwd="/",
        check=True,
        capture_output=True,
    )
    (data / "pg_hba.conf").write_text(
        f"host all postgres {LOOPBACK}/32 trust\nhost all all {LOOPBACK}/32 scram-sha-256\n"
    )
    options = {"listen_addresses": LOOPBACK, "port": str(port), "fsync": "off"}
    words = [w for k, v in options.items() for w in ("-c", f"{k}={v}")]
    argv = [*as_postgres(), f"{programs}/postgres", "-D", str(data), "-k", "", *words]
    processes.start("postgres", ["env", "-C", "/", *argv])
    wait_for("PostgreSQL", lambda: accepts(LOOPBACK, port), 15)
    found = ConfigDb(port)
    wait_for("PostgreSQL", lambda: found.sql("select 1", "postgres").strip() == "1", 15)
    found.sql(f"create database {settings.DATABASE}", "postgres")
    found.sql(seed_sql(40, URL, agents))
    return found
