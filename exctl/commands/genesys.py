"""`exctl genesys`."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import click

from exctl.cli.options import json_option, on_stack, via_option
from exctl.errors import UNHEALTHY
from exctl.site import Site

if TYPE_CHECKING:
    from exctl.hosts import Via


@click.group()
def command() -> None:
    """Look at the stack's organization in Genesys Cloud, with the stack's OAuth client.

    Example: exctl genesys check
    """


@command.command("check")
@on_stack
@via_option("ask from EXCS's host, or from this one")
@click.option(
    "--survey",
    "with_survey",
    is_flag=True,
    help="compare totals and short name with the Config DB; useful after a sync",
)
@json_option
def check(site: Site, via: Via, with_survey: bool, as_json: bool) -> None:
    """Check the organization that a sync goes to. Read only.

    Gets a token for tenant.oauth_client_id and compares the organization's id with tenant.org_id.
    Shows the organization's state and short name; the role EX Integration and its division, as far
    as the client's own token sees them; how much of the API's rate limit is left; and how many
    users, skills, queues and wrap-up codes there are. Uses genesys.proxy, if it is set, and trusts
    genesys.ca_path.

    Exit code 4 if there is a problem to fix before the sync.

    Example: exctl genesys check --survey
    """
    from exctl.engage import look as engage
    from exctl.genesys import look
    from exctl.report import markup

    survey = engage.taken(site, via, None, None).survey if with_survey else None
    found = look.checked(site, via, survey)
    if as_json:
        click.echo(json.dumps(look.as_json(found), indent=2))
    else:
        markup.show(look.document(found), sys.stdout)
    click.echo(look.next_step(found), err=True)
    if found.problems:
        raise SystemExit(UNHEALTHY)
