"""Questions to the person at the terminal."""

from __future__ import annotations

import sys

import click

from exctl.errors import ExctlError


def confirm(question: str) -> None:
    """Returns if the answer is yes. Raises click.Abort if it's no, ExctlError if nobody is there
    to answer."""
    if not sys.stdin.isatty():
        raise ExctlError("there is no terminal to ask on; add --yes.", touched=False)
    click.confirm(question, abort=True, err=True)


def ask(question: str, default: str) -> str:
    """The answer as typed, empty if the default was taken. Raises click.Abort on Ctrl-C."""
    shown = f"  {question} [{default}]" if default else f"  {question}"
    return str(click.prompt(shown, default="", show_default=False))


def ask_secret(name: str, is_optional: bool) -> str:
    """A secret, typed twice without echo until both are the same; empty only if it's optional."""
    while True:
        text = str(click.prompt(f"  {name}", default="", show_default=False, hide_input=True))
        if not text:
            if is_optional:
                return ""
            click.echo("  ! it can't be empty")
            continue
        again = click.prompt("  the same again", default="", show_default=False, hide_input=True)
        if text == again:
            return text
        click.echo("  ! the two differ; once more")
