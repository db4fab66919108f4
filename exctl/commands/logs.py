"""`exctl logs`."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from exctl.cli.options import json_option, selecting
from exctl.errors import FAILED, NothingTouched
from exctl.site import Site

if TYPE_CHECKING:
    from stack.layout import Instance


def _since(_context: click.Context, _option: click.Parameter, value: str | None) -> str | None:
    from exctl.observe import logs

    try:
        return None if value is None else logs.since_of(value)
    except ValueError:
        raise click.BadParameter(
            f"{value!r} is neither a duration (90s, 10m, 48h) nor a time (2026-11-24T04:00:00)"
        ) from None


def _tail(_context: click.Context, _option: click.Parameter, value: int | None) -> int | None:
    if value is not None and value < 0:
        raise click.BadParameter(f"{value} is less than 0")
    return value


def _pattern(
    _context: click.Context, _option: click.Parameter, value: str | None
) -> re.Pattern[str] | None:
    try:
        return None if value is None else re.compile(value)
    except (re.error, RecursionError, OverflowError) as error:
        raise click.BadParameter(f"{value!r} is no regular expression: {error}") from None


@click.command()
@selecting
@click.option("--follow", "-f", is_flag=True, help="keep showing new lines")
@click.option(
    "--since",
    metavar="TIME",
    callback=_since,
    help="10m, 2h, or a time such as 2026-11-24T04:00:00 (UTC, like the lines)",
)
@click.option(
    "--tail",
    type=int,
    callback=_tail,
    metavar="N",
    help="only the last N lines of each instance",
)
@click.option(
    "--grep",
    metavar="PATTERN",
    callback=_pattern,
    help="only lines that match this regular expression",
)
@json_option
def command(
    site: Site,
    chosen: Sequence[Instance],
    follow: bool,
    since: str | None,
    tail: int | None,
    grep: re.Pattern[str] | None,
    as_json: bool,
) -> None:
    """Show the containers' logs of all hosts in one stream, ordered by time.

    If a host doesn't answer or a container is missing, that is reported on stderr and the exit code
    is 1. --follow keeps following when containers are replaced, until Ctrl-C.

    With --json each line is an object: at, instance, host, text.

    Example: exctl logs excp --pair 1 --since 10m --grep ERROR
    """
    from exctl.observe import logs
    from exctl.terminal.messages import say

    running = [i for i in chosen if not i.is_stopped]
    if not running:
        raise NothingTouched("all of that is stopped: there is no container to read from.")
    width = max(len(i.key) for i in running)

    def show(line: logs.LogLine) -> None:
        click.echo(json.dumps(asdict(line)) if as_json else line.shown(width))

    wanted = logs.LogFilter(since, tail, grep)
    if follow:
        logs.follow(site, running, wanted, show, lambda missing: say(f"not shown: {missing}"))
        return
    lines, missing = logs.merged(site, running, wanted)
    for line in lines:
        show(line)
    for each in missing:
        say(f"not shown: {each}")
    if missing:
        raise SystemExit(FAILED)
