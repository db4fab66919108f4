"""`exctl survey`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from exctl.cli.options import json_option, on_stack, via_option
from exctl.errors import UNHEALTHY
from exctl.site import Site

if TYPE_CHECKING:
    from exctl.hosts import Via


@click.command()
@on_stack
@via_option("reach the database through EXCS's host, or from this one")
@click.option("--tenant", metavar="DBID", help="look at this tenant instead of tenant.id")
@click.option(
    "--folder",
    "folders",
    multiple=True,
    metavar="NAME",
    help="as if these were the customer_folders (repeat for several)",
)
@click.option("--all-objects", is_flag=True, help="as if the folder filter were off")
@click.option(
    "--html",
    "page",
    type=click.Path(path_type=Path, resolve_path=True),
    metavar="FILE",
    help="write one page of HTML there",
)
@json_option
def command(
    site: Site,
    via: Via,
    tenant: str | None,
    folders: tuple[str, ...],
    all_objects: bool,
    page: Path | None,
    as_json: bool,
) -> None:
    """Check in Engage's Config DB what a sync will find. Read only, with EXCS's user.

    Shows objects by type and state; what the folder filter selects; names that differ only by case;
    who is a supervisor and who narrowly isn't; agent groups and the queue that each names; skill
    levels; the transaction hybrid_integration (no secret is shown); how long a first sync takes.

    Asks the catalogue first and reads nothing that it doesn't recognise: what it can't tell is
    reported as unknown. Tested with PostgreSQL; we have never run SQL Server and Oracle (type
    mssql, oracle) against a real server.

    Exit code 4 if there is a problem to fix before the sync.

    Example: exctl survey --folder Retail --folder Claims
    """
    from exctl import files
    from exctl.engage import look
    from exctl.engage import page as survey_page
    from exctl.report import markup

    if folders and all_objects:
        raise click.UsageError("--folder and --all-objects contradict each other; take one of them")
    if page is not None:
        files.refuse_unwritable(page)
    taken = look.taken(site, via, tenant, () if all_objects else folders or None)
    if as_json:
        click.echo(json.dumps(survey_page.as_json(taken), indent=2))
    elif page is not None:
        files.write(page, markup.html(survey_page.document(taken)))
        click.echo(f"written to {page}")
    else:
        markup.show(survey_page.document(taken), sys.stdout)
    click.echo(look.next_step(taken, site), err=True)
    if taken.problems:
        raise SystemExit(UNHEALTHY)
