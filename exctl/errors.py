"""Errors that end a command: worded for the operator, each with its exit code."""

from __future__ import annotations

DONE, FAILED, USAGE, ROLLED_BACK, UNHEALTHY, INTERRUPTED = 0, 1, 2, 3, 4, 130
"""Exit codes of exctl. Source: the design, Contracts."""


class ExctlError(Exception):
    """What went wrong, what to do, and what state things are in. `code` is the exit code."""

    code = FAILED


class FailedRun(ExctlError):
    """A run failed after it had begun; `reason` is why, without the state of the rest.

    `touched`: it has changed a container. `is_of_a_step`: a step failed, and not what was looked at
    when all of them were done.
    """

    def __init__(
        self, message: str, reason: str = "", touched: bool = True, is_of_a_step: bool = True
    ) -> None:
        super().__init__(message)
        self.reason = reason or message
        self.touched = touched
        self.is_of_a_step = is_of_a_step


class Interrupted(ExctlError):
    """The operator stopped a run; what was done is saved. `touched`: the run had begun."""

    code = INTERRUPTED

    def __init__(self, message: str, touched: bool) -> None:
        super().__init__(message)
        self.touched = touched


class RolledBack(ExctlError):
    """What was wanted failed, and the release before runs again."""

    code = ROLLED_BACK


class NothingTouched(ExctlError):
    """A mistake in the command or the stack file, found before anything was touched."""

    code = USAGE
