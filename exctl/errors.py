"""Errors that end a command: worded for the operator, each with its exit code."""

from __future__ import annotations

DONE, FAILED, USAGE, UNHEALTHY, INTERRUPTED = 0, 1, 2, 4, 130
"""Exit codes of exctl; 3 is kept for 'failed and rolled back'. Source: the design, Contracts."""


class ExctlError(Exception):
    """What went wrong, what to do, and what state things are in. `code` is the exit code."""

    code = FAILED


class NothingTouched(ExctlError):
    """A mistake in the command or the stack file, found before anything was touched."""

    code = USAGE
