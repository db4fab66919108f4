"""Status again and again: drawn in place on a terminal, as lines anywhere else."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

from exctl.observe import endpoints
from exctl.observe.endpoints import EndpointRow
from exctl.site import Site
from health.gates.sync_progress import Progress

if TYPE_CHECKING:
    from rich.console import RenderableType

Look = Callable[[], list[EndpointRow]]


def watch(site: Site, interval_seconds: float, as_json: bool) -> None:
    """Looks until it is interrupted."""
    progress = Progress(moved_at=time.monotonic())

    def look() -> list[EndpointRow]:
        return endpoints.ask_all(site, progress)

    if as_json:
        _each(look, interval_seconds, lambda rows: click.echo(json_line(site, rows)))
    elif sys.stdout.isatty():
        _in_place(site, look, interval_seconds)
    else:
        _each(look, interval_seconds, lambda rows: click.echo("\n".join(lines(rows))))


def json_line(site: Site, rows: Sequence[EndpointRow]) -> str:
    """One look as one line of JSON."""
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    found = {"stack": site.stack, "at": at, "instances": endpoints.as_json(rows)}
    return json.dumps(found)


def lines(rows: Sequence[EndpointRow]) -> list[str]:
    """One look as lines for a log: each says the time."""
    at = time.strftime("%H:%M:%S")
    return [f"{at}  {line}" for line in endpoints.table(rows)[1:]]


def _each(look: Look, interval_seconds: float, show: Callable[[list[EndpointRow]], None]) -> None:
    while True:
        show(look())
        time.sleep(interval_seconds)


def _in_place(site: Site, look: Look, interval_seconds: float) -> None:
    from rich.live import Live

    with Live(auto_refresh=False) as live:
        while True:
            live.update(drawn(site.stack, look(), interval_seconds), refresh=True)
            time.sleep(interval_seconds)


def drawn(stack: str, rows: Sequence[EndpointRow], interval_seconds: float) -> RenderableType:
    """The table for a terminal: what is well in green, what isn't in red."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    ill = endpoints.unhealthy(rows)
    well = f"{len(rows) - len(ill)} of {len(rows)} well"
    at = time.strftime("%H:%M:%S")
    table = Table(
        box=box.SIMPLE_HEAD,
        title=f"stack {stack}  {at}  {well}",
        title_justify="left",
        caption=f"every {interval_seconds:g} s; Ctrl-C ends it",
        caption_justify="left",
        pad_edge=False,
    )
    for name in ("instance", "endpoint", "tag", "state", "answer"):
        table.add_column(name, no_wrap=True)
    table.add_column("", overflow="fold")
    for row in rows:
        style = "dim" if row.is_stopped else "green" if row.is_healthy else "bold red"
        table.add_row(
            row.instance,
            urlsplit(row.health_url).netloc,
            row.tag,
            Text(row.state, style=style),
            Text(row.answer),
            Text(row.detail),
        )
    return table
