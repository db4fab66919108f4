"""Words for the person who waits: on stderr, above the live view where there is one."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

_above: list[Callable[[str], None]] = []


def say(line: str = "") -> None:
    """A line for the person who waits; results alone go to stdout. Lost if nobody can read it any
    more: a run isn't to end for that."""
    try:
        if _above:
            _above[-1](line)
        else:
            print(line, file=sys.stderr, flush=True)
    except OSError:
        return


def begin_above(show: Callable[[str], None]) -> None:
    """From now on `show` gets what is said."""
    _above.append(show)


def end_above() -> None:
    _above.pop()


def terminal_is_lost() -> None:
    """The ssh session has ended: what is written to its terminal from now on goes nowhere, instead
    of failing."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for number in (1, 2):
        if os.isatty(number):
            os.dup2(nowhere, number)
