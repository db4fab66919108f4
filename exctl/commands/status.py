"""`exctl status`."""

from __future__ import annotations

import json
import time

import click

from exctl.errors import UNHEALTHY
from exctl.options import json_option, on_stack
from exctl.site import Site


@click.command()
@on_stack
@json_option
@click.option("--watch", "watch_seconds", type=float, metavar="SECONDS", help="again and again")
def command(site: Site, as_json: bool, watch_seconds: float | None) -> None:
    """Ask every instance how it is; exit 4 if one isn't healthy.

    Example: exctl status --json
    """
    from exctl import endpoints

    while True:
        rows = endpoints.ask_all(site)
        if as_json:
            found = {"stack": site.stack, "instances": endpoints.as_json(rows)}
            click.echo(json.dumps(found, indent=None if watch_seconds else 2))
        else:
            for line in endpoints.table(rows):
                click.echo(line)
        if not watch_seconds:
            break
        if not as_json:
            click.echo()
        time.sleep(watch_seconds)
    if endpoints.unhealthy(rows):
        raise SystemExit(UNHEALTHY)
