"""The one error of gates and guards."""

from __future__ import annotations

from collections.abc import Iterable


class GateError(Exception):
    """A gate that didn't open or a guard that refused, as an operator reads it at night.

    The first line is complete by itself: Pulumi prints it among traceback noise. The lines after
    it say what was found, what state things are in, and how to go on.
    """

    def __init__(self, summary: str, lines: Iterable[str] = ()) -> None:
        self.summary = summary
        super().__init__("\n".join([summary, *(f"  {line}" for line in lines)]))
