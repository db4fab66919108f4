"""Questions to the person at the terminal."""

from __future__ import annotations

import sys

import click

from exctl.errors import ExctlError


def confirm(question: str) -> None:
    """Returns if the answer is yes. Raises click.Abort if it's no, ExctlError if nobody is there
    to answer."""
    if not sys.stdin.isatty():
        raise ExctlError("there is no terminal to ask on; add --yes. Nothing was touched.")
    click.confirm(question, abort=True, err=True)
