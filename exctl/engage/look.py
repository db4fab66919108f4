"""`exctl survey`: the stack file's wishes, the database's answers, what they amount to."""

from __future__ import annotations

import time
from collections.abc import Sequence

from engage import survey
from engage.survey import Wanted
from exctl.engage import connection, points
from exctl.engage.connection import Via
from exctl.engage.page import Taken
from exctl.onboarding import transaction
from exctl.site import Site
from exctl.stackfile import secrets
from stack.text import counted


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
    settings = site.config.excs.config_db
    return Taken(
        site.stack,
        time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        f"{settings.name} at {settings.host}",
        wanted,
        found,
        points.of(found, wanted),
    )


def next_step(found: Taken, site: Site) -> str:
    if found.problems:
        many = counted(found.problems, "problem")
        return f"next: solve {many} in Engage, then again: exctl survey --stack {site.stack}"
    return f"next: exctl genesys check --stack {site.stack}"
