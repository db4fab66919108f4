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
@click.option("--watch", "-w", is_flag=True, help="repeat until Ctrl-C")
@click.option(
    "--interval-seconds",
    type=Seconds(0.1),
    default=2.0,
    show_default=True,
    metavar="SECONDS",
    help="with --watch: time between two checks",
)
def command(site: Site, as_json: bool, watch: bool, interval_seconds: float) -> None:
    """Show the health of every instance; exit 4 if one isn't healthy.

    Healthy means the same as for the gates: HTTP 200 from this stack's own, running container. Also
    shows which pairs have no redundancy, what watches the stack (monitoring.host; it doesn't affect
    the exit code), whether the last run failed, and what is pending.

    While EXCS syncs, shows its progress; with --watch, also the rate and the time left. --watch
    redraws in place on a terminal, writes lines elsewhere and, with --json, a line of JSON each
    time.

    Example: exctl status --watch
    """
    from concurrent.futures import ThreadPoolExecutor

    from exctl.observe import endpoints, status, watchers
    from exctl.observe.last_run import last_run

    if watch:
        try:
            status.watch(site, interval_seconds, as_json, last_run(site))
        except KeyboardInterrupt:  # the way to end it: nothing was under way
            raise SystemExit(INTERRUPTED) from None
    with ThreadPoolExecutor(2) as pool:
        last, watching = pool.submit(last_run, site), pool.submit(watchers.look, site)
        rows = endpoints.ask_all(site)
    if as_json:
        click.echo(
            json.dumps(status.as_json(site, rows, last.result(), watching.result()), indent=2)
        )
    else:
        for line in status.lines(rows, last.result(), watching.result()):
            click.echo(line)
    if endpoints.unhealthy(rows):
        raise SystemExit(UNHEALTHY)
