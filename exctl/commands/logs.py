"""`exctl logs`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from exctl.cli.options import json_option, selecting
from exctl.errors import NothingTouched
from exctl.site import Site

if TYPE_CHECKING:
    from stack.layout import Instance


@click.command()
@selecting
@click.option("--follow", "-f", is_flag=True, help="go on showing what comes")
@click.option("--since", metavar="TIME", help="10m, 2h, or a time such as 2026-11-24T04:00:00")
@click.option(
    "--tail", type=click.IntRange(min=0), metavar="N", help="only the last N lines of each instance"
)
@click.option("--grep", metavar="PATTERN", help="only lines that match this regular expression")
@json_option
def command(
    site: Site,
    chosen: Sequence[Instance],
    follow: bool,
    since: str | None,
    tail: int | None,
    grep: str | None,
    as_json: bool,
) -> None:
    """Show the containers' logs, those of all hosts in one stream by time.

    With --json each line is an object: at, instance, host, text.

    Example: exctl logs excp --pair 1 --since 10m --grep ERROR
    """
    from exctl.observe import logs

    logs.refuse_junk(since, grep)
    running = [i for i in chosen if not i.is_stopped]
    if not running:
        raise NothingTouched("all of that is stopped: there is no container to read from.")
    width = max(len(i.key) for i in running)

    def show(line: logs.Line) -> None:
        click.echo(json.dumps(asdict(line)) if as_json else line.shown(width))

    if follow:
        logs.follow(site, running, since, tail, grep, show)
        return
    for line in logs.merged(site, running, since, tail, grep):
        show(line)
