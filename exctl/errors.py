"""Errors that end a command: worded for the operator, each with its exit code."""

from __future__ import annotations

DONE, FAILED, USAGE, ROLLED_BACK, UNHEALTHY, INTERRUPTED = 0, 1, 2, 3, 4, 130
"""Exit codes of exctl. Source: the design, Contracts."""


class ExctlError(Exception):
    """What went wrong, what to do, and what state things are in. `code` is the exit code."""

    code = FAILED


class FailedRun(ExctlError):
    """A step failed after others were done; `reason` is why, without the state of the rest."""

    def __init__(self, message: str, reason: str = "") -> None:
        super().__init__(message)
        self.reason = reason or message


class Interrupted(ExctlError):
    """The operator stopped a run; what was done is saved."""

    code = INTERRUPTED


class RolledBack(ExctlError):
    """What was wanted failed, and the release before runs again."""

    code = ROLLED_BACK


class NothingTouched(ExctlError):
    """A mistake in the command or the stack file, found before anything was touched."""

    code = USAGE
