"""Errors that end a command: worded for the operator, each with its exit code.

What a command has left behind is data (`touched`, `running`) and is said by the error itself, in
the last lines of `text`. `str()` is the reason alone, which another message may quote.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from typing import ClassVar, Self

from kit.errors import KitError

DONE, FAILED, USAGE, ROLLED_BACK, UNHEALTHY, INTERRUPTED = 0, 1, 2, 3, 4, 130
"""Exit codes of exctl. Source: the design, Contracts."""

NOTHING_TOUCHED = "Nothing was touched."
NO_CONTAINER_TOUCHED = "No container was touched."


class ExctlError(Exception):
    """What went wrong and what to do. `code` is the exit code.

    `touched`: whether anything was changed; None where the message itself says what was. `running`:
    which instances run which version, for the last line; '' where a run had not begun.
    """

    code: ClassVar[int] = FAILED
    untouched_line: ClassVar[str] = NOTHING_TOUCHED

    def __init__(self, message: str, touched: bool | None = None, running: str = "") -> None:
        super().__init__(message)
        self.touched = touched
        self.running = running

    def and_then(self, more: str) -> Self:
        """The same error with more to say."""
        found = copy(self)
        found.args = (f"{self}\n\n{more}",)
        return found

    @property
    def text(self) -> str:
        """The message as an operator is shown it, with the state that things are in."""
        untouched = self.untouched_line if self.touched is False else ""
        return "\n".join(filter(None, [str(self), untouched, self.running]))


class PreflightStops(ExctlError):
    """The preflight has found what a run would fail on; `checks` are the names of those checks."""

    def __init__(self, message: str, checks: tuple[str, ...] = ()) -> None:
        super().__init__(message, touched=False)
        self.checks = checks


class FailedRun(ExctlError):
    """A run failed after it had begun; `reason` is why, without the state of the rest.

    `touched`: it has changed a container, those of `begun`. `is_of_a_step`: a step failed, and not
    what was looked at when all of them were done.
    """

    untouched_line = NO_CONTAINER_TOUCHED

    def __init__(
        self,
        message: str,
        reason: str = "",
        touched: bool | None = True,
        is_of_a_step: bool = True,
        running: str = "",
        begun: tuple[str, ...] = (),
    ) -> None:
        super().__init__(message, touched, running)
        self.reason = reason or message
        self.is_of_a_step = is_of_a_step
        self.begun = begun


class Interrupted(ExctlError):
    """The operator stopped a command; what was done is saved."""

    code = INTERRUPTED


class InterruptedRun(Interrupted):
    """The operator stopped a run in the middle, which has changed the containers of `begun`."""

    untouched_line = NO_CONTAINER_TOUCHED

    def __init__(self, message: str, begun: tuple[str, ...] = (), running: str = "") -> None:
        super().__init__(message, bool(begun), running)
        self.begun = begun


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


@contextmanager
def kit_refusals() -> Iterator[None]:
    """Within, what a kit or ssh-keygen refuses ends the command; nothing of ours was touched."""
    try:
        yield
    except KitError as error:
        raise NothingTouched(str(error)) from None
