"""`exctl survey`: the stack file's wishes, the database's answers, what they amount to."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from engage import survey
from engage.database import read_catalogue
from engage.reading import Reader
from engage.results import Wanted
from engage.transactions import TransactionFacts
from exctl.engage import connection, points
from exctl.engage.page import Taken
from exctl.errors import NothingTouched
from exctl.hosts import Via
from exctl.onboarding import transaction
from exctl.points import Point
from exctl.site import Site
from exctl.stackfile import secrets
from stack.text import counted


@dataclass(frozen=True)
class Compared:
    """The transaction in the database: `tenant` is its name, '' where there is no such tenant."""

    database: str
    tenant: str
    facts: TransactionFacts
    points: Sequence[Point]


def transaction_of(site: Site, via: Via, dbid: str | None, given: transaction.Given) -> Compared:
    """The transaction as the database has it, of the tenant with this DBID (else tenant.id),
    against stack file and `given`.

    Raises ExctlError if there is no session with a Config DB, or no such tenant in it.
    """
    known = secrets.all_of(site)
    annex = transaction.wanted(site.config, given, known.get(transaction.SECRET))
    wanted = Wanted(dbid or site.config.tenant.id, site.config.tenant.org_id, None, 0, annex)
    with connection.session(site, known, via) as database:
        reader = Reader(database, read_catalogue(database))
        tenants = reader.tenants()
        tenant = next((t for t in tenants if str(t.dbid) == wanted.tenant_id), None)
        if tenant is None:
            raise NothingTouched(
                f"the Config DB has no tenant with the DBID {wanted.tenant_id}; it has:"
                f" {', '.join(f'{t.dbid} {t.name}' for t in tenants)}. Say which: exctl transaction"
                f" --compare --tenant DBID --stack {site.stack}."
            )
        facts, _ = survey.compared_transaction(reader, tenants, wanted, tenant.dbid)
    return Compared(_place(site), tenant.name, facts, points.of_transaction(facts, wanted))


def taken(site: Site, via: Via, tenant: str | None, folders: Sequence[str] | None) -> Taken:
    """The survey. `folders` in place of the stack's: some, none (the filter is off), or None.

    Raises ExctlError if there is no session with a Config DB.
    """
    known = secrets.all_of(site)
    sync, gate = site.config.excs.sync, site.config.excs.sync_gate
    if folders is None:
        folders = sync.customer_folders if sync.customer_objects_only else ()
    wanted = Wanted(
        tenant or site.config.tenant.id,
        site.config.tenant.org_id,
        tuple(folders) or None,
        gate.deadline_seconds,
        transaction.wanted(site.config, transaction.Given(), known.get(transaction.SECRET)),
    )
    with connection.session(site, known, via) as database:
        found = survey.taken(database, wanted)
    return Taken(
        site.stack,
        time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        _place(site),
        wanted,
        found,
        points.of(found, wanted),
    )


def _place(site: Site) -> str:
    settings = site.config.excs.config_db
    return f"{settings.name} at {settings.host}"


def next_step(found: Taken, site: Site) -> str:
    if found.problems:
        many = counted(found.problems, "problem")
        return f"next: fix {many} in Engage, then run again: exctl survey --stack {site.stack}"
    return f"next: exctl genesys check --stack {site.stack}"
