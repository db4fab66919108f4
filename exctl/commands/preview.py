"""`exctl preview`."""

from __future__ import annotations

import json

import click

from exctl.cli.options import json_option, on_stack
from exctl.site import Site


@click.command()
@on_stack
@json_option
def command(site: Site, as_json: bool) -> None:
    """Show what `up` would touch; changes nothing.

    Example: exctl preview --stack dev
    """
    from exctl.runs import plan
    from exctl.runs.preview import preview

    planned = preview(site)
    if as_json:
        click.echo(json.dumps([vars(touch) for touch in planned], indent=2))
        return
    for line in plan.lines(planned):
        click.echo(line)
