"""The live view of a run on a terminal: a line an instance, with what it is doing and for how long.

Without a terminal there is none: the lines that are said for each step are enough in a log.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from exctl.terminal.messages import begin_above, end_above
from exctl.terminal.progress import InstanceProgress, RunProgress
from stack.text import seconds_text

REFRESHES_A_SECOND = 4.0
_STYLES = {"waiting": "dim", "busy": "bold", "done": "green", "failed": "bold red"}
_MARKS = {"waiting": "·", "busy": "▸", "done": "✓", "failed": "✗"}


def is_wanted(console: Console | None = None) -> bool:
    """True where the console, or else stderr, is a terminal that can be written over."""
    console = console or Console(stderr=True)
    return console.is_terminal and not console.is_dumb_terminal


@contextmanager
def shown(
    title: str, progress: RunProgress | None = None, about_seconds: float | None = None
) -> Iterator[None]:
    """Within, what goes on stands in the last lines of the terminal; what is said, above it.

    `about_seconds`: how long it took last time.
    """
    if not is_wanted():
        yield
        return
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    view = _View(title, progress, about_seconds)
    with Live(view, console=console, refresh_per_second=REFRESHES_A_SECOND, transient=True):
        begin_above(lambda line: console.print(Text(line)))
        try:
            yield
        finally:
            end_above()


class _View:
    """Computed again each time it is drawn, so that the seconds go on."""

    def __init__(
        self, title: str, progress: RunProgress | None, about_seconds: float | None
    ) -> None:
        self._title = title
        self._about = f" of about {seconds_text(about_seconds)}" if about_seconds else ""
        self._progress = progress
        self._started = time.monotonic()
        self._spinner = Spinner("dots")

    def __rich__(self) -> RenderableType:
        seconds = time.monotonic() - self._started
        self._spinner.update(text=Text(f"{self._title}, {seconds:.0f} s{self._about}"))
        if self._progress is None or not self._progress.instances:
            return self._spinner
        table = Table.grid(padding=(0, 2))
        for each in list(self._progress.instances.values()):
            table.add_row(*_cells(each, time.monotonic()))
        return Group(self._spinner, table)


def _cells(each: InstanceProgress, now: float) -> list[Text]:
    style = _STYLES[each.state]
    clock = f"{now - each.since:.0f} s" if each.state == "busy" else ""
    cells = (_MARKS[each.state], each.touch.instance, each.touch.host, each.words, clock)
    return [Text(cell, style=style, no_wrap=True, overflow="ellipsis") for cell in cells]
