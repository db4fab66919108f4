"""Questions to the person at the terminal."""

from __future__ import annotations

import sys

import click

from exctl.errors import ExctlError, NothingTouched
from exctl.terminal.messages import note


def is_terminal() -> bool:
    """Whether somebody is there to answer; no if stdin is closed."""
    return sys.stdin is not None and not sys.stdin.closed and sys.stdin.isatty()


def all_of_stdin() -> str:
    """Everything that is piped in. Raises NothingTouched if it is closed or isn't UTF-8."""
    if sys.stdin is None or sys.stdin.closed:
        raise NothingTouched("stdin is closed; there is nothing to read.")
    try:
        return sys.stdin.buffer.read().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise NothingTouched("stdin isn't UTF-8.") from None
    except OSError as error:
        why = f"stdin can't be read: {error.strerror}"
        raise NothingTouched(f"{why}.") from None


def confirm(question: str) -> None:
    """Returns if the answer is yes. Raises click.Abort if it's no, ExctlError if nobody is there
    to answer."""
    if not is_terminal():
        raise ExctlError("there is no terminal to ask on; add --yes.", touched=False)
    is_yes = click.confirm(question, err=True)
    note(f"{question} {'yes' if is_yes else 'no'}")
    if not is_yes:
        raise click.Abort


def agrees(question: str) -> bool:
    """The answer to a question after which the command ends in order, whatever it is: Ctrl-C is a
    no."""
    try:
        is_yes = click.confirm(question, err=True)
    except click.Abort:
        click.echo(err=True)
        is_yes = False
    note(f"{question} {'yes' if is_yes else 'no'}")
    return is_yes


def ask(question: str, default: str) -> str:
    """The answer as typed, empty if the default was taken. Raises click.Abort on Ctrl-C."""
    shown = f"  {question} [{default}]" if default else f"  {question}"
    return str(click.prompt(shown, default="", show_default=False))


def ask_secret(name: str, is_optional: bool) -> str:
    """A secret, typed twice without echo until both are the same; empty only if it's optional."""
    while True:
        text = str(click.prompt(f"  {name}", default="", show_default=False, hide_input=True))
        if not text and is_optional:
            return ""
        if why := unusable(text):
            click.echo(f"  ! it {why}")
            continue
        again = click.prompt("  the same again", default="", show_default=False, hide_input=True)
        if text == again:
            return text
        click.echo("  ! the two differ; try again")


def unusable(value: str) -> str:
    """Why a text can't be a secret, in whatever way it was given; '' if it can be one."""
    if not value:
        return "is empty"
    if "\n" in value or "\r" in value:
        return "has several lines"
    if value.startswith("\ufeff"):
        return "begins with a byte order mark; save the file without one"
    if not value.isprintable():
        return "has characters that can't be printed"
    if value != value.strip():
        return "begins or ends with a blank"
    return ""


def without_line_end(text: str) -> str:
    """What a file or stdin holds, without the line end that editors and `echo` put there."""
    return text.removesuffix("\n").removesuffix("\r")
