"""`exctl logs`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from exctl.errors import NothingTouched
from exctl.options import selecting
from exctl.site import Site

if TYPE_CHECKING:
    from layout import Instance


@click.command()
@selecting
@click.option("--follow", "-f", is_flag=True, help="go on showing what comes")
@click.option("--since", metavar="TIME", help="10m, 2h, or a time such as 2026-11-24T04:00:00")
@click.option("--tail", type=int, metavar="N", help="only the last N lines of each instance")
@click.option("--grep", metavar="PATTERN", help="only lines that match this regular expression")
def command(
    site: Site,
    chosen: Sequence[Instance],
    follow: bool,
    since: str | None,
    tail: int | None,
    grep: str | None,
) -> None:
    """Show the containers' logs, those of all hosts in one stream by time.

    Example: exctl logs excp --pair 1 --since 10m --grep ERROR
    """
    from exctl import logs

    running = [i for i in chosen if not i.is_stopped]
    if not running:
        raise NothingTouched("all of that is stopped: there is no container to read from.")
    if follow:
        logs.follow(site, running, since, tail, grep, click.echo)
        return
    for line in logs.merged(site, running, since, tail, grep):
        click.echo(line)
