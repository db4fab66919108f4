"""How far a push is: one line that is written over on a terminal, else a line now and then."""

from __future__ import annotations

import sys
import time

EVERY_SECONDS = 10.0


class Bar:
    """Told of bytes, shows megabytes."""

    def __init__(self, what: str, total_bytes: int) -> None:
        self._what = what
        self._total = total_bytes
        self._done = 0
        self._is_terminal = sys.stderr.isatty()
        self._shown = time.monotonic()

    def add(self, count: int) -> None:
        """So many bytes more are there."""
        self._done += count
        now = time.monotonic()
        if self._is_terminal:
            sys.stderr.write(f"\r{self._line()}")
            sys.stderr.flush()
        elif now - self._shown >= EVERY_SECONDS:
            self._shown = now
            print(self._line(), file=sys.stderr, flush=True)

    def end(self) -> None:
        """Leaves the line."""
        if self._is_terminal:
            print(file=sys.stderr)

    def _line(self) -> str:
        share = 100 * self._done // max(1, self._total)
        return f"{self._what}: {self._done / 1e6:.1f} of {self._total / 1e6:.1f} MB ({share} %)"
