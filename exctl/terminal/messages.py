"""Words for the person who waits, on stderr, above the live view where there is one; results, on
stdout; and both, with the facts that they are made of, for whoever records a run."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

_above: list[Callable[[str], None]] = []


class Listener(Protocol):
    """Who records a run. Called in whatever thread something happens."""

    def said(self, line: str) -> None:
        """A line that was shown or said."""

    def happened(self, kind: str, facts: dict[str, Any]) -> None:
        """A fact of the run, as JSON takes it."""

    def hide(self, secret: str) -> None:
        """A value that must not be recorded."""

    @property
    def has_stdout(self) -> bool:
        """Stdout is its own: results go to stderr."""

    @property
    def record_hash(self) -> str:
        """The hash of the record that the run began with."""


_listeners: list[Listener] = []


@contextmanager
def heard_by(listener: Listener) -> Iterator[None]:
    """Within, the listener is told of all that is said and happens."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)


def say(line: str = "") -> None:
    """A line for the person who waits; results alone go to stdout. Lost if nobody can read it any
    more: a run isn't to end for that."""
    note(line)
    try:
        if _above:
            _above[-1](line)
        else:
            print(line, file=sys.stderr, flush=True)
    except OSError:
        return


def show(line: str) -> None:
    """A line of a changing command's result: on stdout, unless a program reads events there."""
    if any(listener.has_stdout for listener in _listeners):
        say(line)
        return
    note(line)
    print(line, flush=True)


def note(line: str) -> None:
    """A line for the transcript alone: it was shown in another way."""
    for listener in _listeners:
        listener.said(line)


def report(kind: str, **facts: Any) -> None:
    """A fact of the run under way, for programs and for its record; docs/events.md lists them."""
    for listener in _listeners:
        listener.happened(kind, facts)


def record_hash() -> str:
    """The hash of the record that the run under way began with; '' if none is recorded."""
    return next((listener.record_hash for listener in _listeners), "")


def hide(secret: str) -> None:
    """A new secret's value: it may not be recorded, whoever repeats it."""
    for listener in _listeners:
        listener.hide(secret)


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
