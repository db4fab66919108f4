"""`exctl status`: every instance, each pair, the last run and what is pending; once or again and
again, drawn in place on a terminal, as lines anywhere else."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click

from exctl.observe import endpoints, watchers
from exctl.observe.endpoints import EndpointRow
from exctl.observe.last_run import LastRun
from exctl.observe.watchers import Watcher
from exctl.site import Site
from health.gates.sync_progress import SyncProgress
from health.verdict import VerdictKind
from stack.text import time_text

if TYPE_CHECKING:
    from rich.console import RenderableType

Look = Callable[[], list[EndpointRow]]


@dataclass(frozen=True)
class PairState:
    """How many of a pair's two instances are healthy."""

    pair: str
    healthy: tuple[str, ...]
    others: tuple[str, ...]

    def __str__(self) -> str:
        if not self.healthy:
            return f"pair {self.pair}: DOWN, neither instance is healthy"
        if self.others:
            one, other = self.healthy[0], self.others[0]
            return f"pair {self.pair}: NO REDUNDANCY, {one} serves alone without {other}"
        return f"pair {self.pair}: redundant, both instances are healthy"


def pairs_of(rows: Sequence[EndpointRow]) -> list[PairState]:
    numbers = dict.fromkeys(row.pair for row in rows if row.pair is not None)
    return [_pair_of(number, [row for row in rows if row.pair == number]) for number in numbers]


def _pair_of(number: str, rows: Sequence[EndpointRow]) -> PairState:
    def serves(row: EndpointRow) -> bool:
        return row.is_healthy and not row.is_stopped

    healthy = tuple(row.instance for row in rows if serves(row))
    return PairState(number, healthy, tuple(row.instance for row in rows if not serves(row)))


def lines(
    rows: Sequence[EndpointRow], last: LastRun, watching: Sequence[Watcher] = ()
) -> list[str]:
    """One look as an operator reads it."""
    of_pairs = map(str, pairs_of(rows))
    return [*endpoints.table(rows), *of_pairs, *watchers.lines(watching), *last.lines()]


def as_json(
    site: Site, rows: Sequence[EndpointRow], last: LastRun, watching: Sequence[Watcher] = ()
) -> dict[str, Any]:
    """One look as data, with numbers where there are any."""
    return {
        "stack": site.stack,
        "at": time_text(),
        "counts": _counts(rows),
        "instances": endpoints.as_json(rows),
        "pairs": [asdict(pair) | {"is_redundant": not pair.others} for pair in pairs_of(rows)],
        "monitoring": [asdict(each) | {"is_well": each.is_well} for each in watching],
        "last_run": asdict(last),
    }


def _counts(rows: Sequence[EndpointRow]) -> dict[str, int]:
    """How many there are of what: `wanted` is without what is stopped on purpose."""
    meant = [row for row in rows if not row.is_stopped]
    pairs = pairs_of(rows)
    return {
        "wanted": len(meant),
        "healthy": sum(row.is_healthy for row in meant),
        "unknown": sum(row.verdict is VerdictKind.UNKNOWN for row in meant),
        "stopped": len(rows) - len(meant),
        "pairs": len(pairs),
        "pairs_redundant": sum(not pair.others for pair in pairs),
        "pairs_down": sum(not pair.healthy for pair in pairs),
    }


def watch(site: Site, interval_seconds: float, is_json: bool, last: LastRun) -> None:
    """Looks until it is interrupted."""
    progress = SyncProgress(moved_at=time.monotonic())

    def look() -> list[EndpointRow]:
        return endpoints.ask_all(site, progress)

    if is_json:
        _each(
            look, interval_seconds, lambda rows: click.echo(json.dumps(as_json(site, rows, last)))
        )
    elif sys.stdout.isatty():
        _in_place(site, look, interval_seconds, last)
    else:
        _each(look, interval_seconds, lambda rows: click.echo("\n".join(log_lines(rows))))


def log_lines(rows: Sequence[EndpointRow]) -> list[str]:
    """One look as lines for a log: each says the time."""
    at = time.strftime("%H:%M:%S")
    return [f"{at}  {line}" for line in [*endpoints.table(rows)[1:], *map(str, pairs_of(rows))]]


def _each(look: Look, interval_seconds: float, show: Callable[[list[EndpointRow]], None]) -> None:
    while True:
        show(look())
        time.sleep(interval_seconds)


def _in_place(site: Site, look: Look, interval_seconds: float, last: LastRun) -> None:
    from rich.live import Live

    with Live(auto_refresh=False) as live:
        while True:
            live.update(drawn(site.stack, look(), interval_seconds, last), refresh=True)
            time.sleep(interval_seconds)


def drawn(
    stack: str, rows: Sequence[EndpointRow], interval_seconds: float, last: LastRun
) -> RenderableType:
    """The table for a terminal: what is healthy in green, what isn't in red."""
    from rich import box
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    meant = [row for row in rows if not row.is_stopped]
    healthy = f"{len(meant) - len(endpoints.unhealthy(rows))} of {len(meant)} healthy"
    at = time.strftime("%H:%M:%S")
    table = Table(
        box=box.SIMPLE_HEAD,
        title=f"stack {stack}  {at}  {healthy}",
        title_justify="left",
        caption=f"every {interval_seconds:g} s; Ctrl-C ends it",
        caption_justify="left",
        pad_edge=False,
    )
    for name in ("instance", "endpoint", "tag", "state"):
        table.add_column(name, no_wrap=True)
    table.add_column("answer", overflow="fold")
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
    notes = [
        Text(str(pair), style="bold red" if pair.others else "green") for pair in pairs_of(rows)
    ]
    return Group(table, *notes, *map(Text, last.lines()))
