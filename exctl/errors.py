"""Errors that end a command: worded for the operator, each with its exit code.

What a command has left behind is data (`touched`) and is said by the error itself, in the last
line of `text`. `str()` is the reason alone, which another message may quote.
"""

from __future__ import annotations

from typing import ClassVar

DONE, FAILED, USAGE, ROLLED_BACK, UNHEALTHY, INTERRUPTED = 0, 1, 2, 3, 4, 130
"""Exit codes of exctl. Source: the design, Contracts."""

NOTHING_TOUCHED = "Nothing was touched."


class ExctlError(Exception):
    """What went wrong and what to do. `code` is the exit code.

    `touched`: whether anything was changed; None where the message itself says what was.
    """

    code: ClassVar[int] = FAILED
    untouched_line: ClassVar[str] = NOTHING_TOUCHED

    def __init__(self, message: str, touched: bool | None = None) -> None:
        super().__init__(message)
        self.touched = touched

    @property
    def text(self) -> str:
        """The message as an operator is shown it, with the state that things are in."""
        return f"{self}\n{self.untouched_line}" if self.touched is False else str(self)


class FailedRun(ExctlError):
    """A run failed after it had begun; `reason` is why, without the state of the rest.

    `touched`: it has changed a container. `is_of_a_step`: a step failed, and not what was looked at
    when all of them were done.
    """

    untouched_line = "No container was touched."

    def __init__(
        self,
        message: str,
        reason: str = "",
        touched: bool | None = True,
        is_of_a_step: bool = True,
    ) -> None:
        super().__init__(message, touched)
        self.reason = reason or message
        self.is_of_a_step = is_of_a_step


class Interrupted(ExctlError):
    """The operator stopped a run; what was done is saved. `touched`: the run had begun."""

    code = INTERRUPTED


class LeftOut(ExctlError):
    """Done, but not to all that was meant: some of it couldn't be reached."""

    code = UNHEALTHY


class RolledBack(ExctlError):
    """What was wanted failed, and the release before runs again."""

    code = ROLLED_BACK


class NothingTouched(ExctlError):
    """A mistake in the command or the stack file, found before anything was touched."""

    code = USAGE

    def __init__(self, message: str) -> None:
        super().__init__(message, touched=False)
