"""How far a push is: a bar on a terminal, else a line now and then."""

from __future__ import annotations

import sys
import time

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

EVERY_SECONDS = 10.0


class Bar:
    """Told of bytes, shows megabytes. What is printed meanwhile stands above it."""

    def __init__(self, what: str, total_bytes: int, every_seconds: float = EVERY_SECONDS) -> None:
        console = Console(stderr=True)
        self._is_live = console.is_terminal
        self._shown, self._every_seconds = time.monotonic(), every_seconds
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TimeRemainingColumn(),
            console=console,
            disable=not self._is_live,
            redirect_stdout=sys.stdout.isatty(),
        )
        self._task = self._bar.add_task(what, total=total_bytes)
        self._bar.start()

    def add(self, count: int) -> None:
        """So many bytes more are there."""
        self._bar.advance(self._task, count)
        now = time.monotonic()
        if not self._is_live and now - self._shown >= self._every_seconds:
            self._shown = now
            print(self._line(), file=sys.stderr, flush=True)

    def end(self) -> None:
        """Leaves the bar as it is."""
        self._bar.stop()

    def _line(self) -> str:
        task = self._bar.tasks[0]
        done, total = task.completed / 1e6, (task.total or 0) / 1e6
        return f"{task.description}: {done:.1f} of {total:.1f} MB ({task.percentage:.0f} %)"
