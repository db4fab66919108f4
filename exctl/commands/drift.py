"""`exctl drift`."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from exctl.cli.options import json_option, on_stack
from exctl.errors import UNHEALTHY
from exctl.site import Site


@click.command()
@on_stack
@json_option
def command(site: Site, as_json: bool) -> None:
    """Show changes made by hand on hosts, and settings not yet deployed; exit 4 if there are any.

    Example: exctl drift --stack dev
    """
    from exctl.observe import drift, drift_record
    from exctl.pulumi import lock
    from exctl.terminal.messages import say

    if run := lock.run_under_way(site):
        say(f"a run goes on ({lock.described(run)}): what it is at just now may look like drift")
    found = drift.look(site)
    drift_record.keep(site, found)
    if as_json:
        click.echo(json.dumps([asdict(each) for each in found], indent=2))
    else:
        for each in found:
            click.echo(str(each))
        if not found:
            click.echo("no drift: the hosts are as the last run left them, and as the file says")
    if found:
        raise SystemExit(UNHEALTHY)
