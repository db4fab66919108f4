"""`exctl status`."""

from __future__ import annotations

import json

import click

from exctl.cli.options import Seconds, json_option, on_stack
from exctl.errors import INTERRUPTED, UNHEALTHY
from exctl.site import Site


@click.command()
@on_stack
@json_option
@click.option("--watch", "-w", is_flag=True, help="again and again, until Ctrl-C")
@click.option(
    "--interval-seconds",
    type=Seconds(0.1),
    default=2.0,
    show_default=True,
    metavar="SECONDS",
    help="with --watch: time between two looks",
)
def command(site: Site, as_json: bool, watch: bool, interval_seconds: float) -> None:
    """Ask every instance how it is; exit 4 if one isn't healthy.

    While EXCS syncs, says how far it is; with --watch, how fast and how long it will take as well.
    --watch draws in place on a terminal, writes lines elsewhere, and with --json a line of JSON
    each time.

    Example: exctl status --watch
    """
    from exctl.observe import endpoints, watching

    if watch:
        try:
            watching.watch(site, interval_seconds, as_json)
        except KeyboardInterrupt:  # the way to end it: nothing was under way
            raise SystemExit(INTERRUPTED) from None
    rows = endpoints.ask_all(site)
    if as_json:
        click.echo(
            json.dumps({"stack": site.stack, "instances": endpoints.as_json(rows)}, indent=2)
        )
    else:
        for line in endpoints.table(rows):
            click.echo(line)
    if endpoints.unhealthy(rows):
        raise SystemExit(UNHEALTHY)
