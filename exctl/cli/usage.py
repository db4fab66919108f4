"""Mistakes in the command line, worded as all our errors are: what was found, what is allowed."""

from __future__ import annotations

import difflib
import shlex
import sys
from collections.abc import Iterable

import click

from exctl.errors import NOTHING_TOUCHED


def same_command() -> str:
    """The command that was given, as it can be given again."""
    return shlex.join(["exctl", *sys.argv[1:]])


def no_command(name: str, known: Iterable[str], options: Iterable[str] = ()) -> str:
    """What is said of a command that doesn't exist: the nearest of those that do."""
    kind = "option" if name.startswith("-") else "command"
    close = difflib.get_close_matches(name, [*(options if kind == "option" else known)], 3, 0.5)
    meant = f"; did you mean {' or '.join(close)}?" if close else ""
    return f"there is no {kind} {name}{meant}"


def worded(error: click.ClickException) -> str:
    """The error in our words, and where to read on."""
    context = error.ctx if isinstance(error, click.UsageError) else None
    see = [f"See: {context.command_path} --help"] if context else []
    return "\n".join([_what(error), *see, NOTHING_TOUCHED])


def _what(error: click.ClickException) -> str:
    match error:
        case click.NoSuchOption():
            known = error.possibilities or []
            return _sentence(no_command(error.option_name, (), known))
        case click.MissingParameter() if error.param is not None:
            name = error.param.make_metavar(error.ctx or click.Context(click.Command("")))
            if isinstance(error.param, click.Option):
                name = error.param.opts[0]
            return _sentence(f"{name} is missing{_help(error.param)}")
        case click.BadParameter() if error.param is not None:
            name = error.param.opts[0] if isinstance(error.param, click.Option) else ""
            said = error.message.replace("'", "").rstrip(".").removesuffix(" range")
            return _sentence(f"{name}: {said}" if name else said)
    return _sentence(error.format_message())


def _help(parameter: click.Parameter) -> str:
    text = getattr(parameter, "help", None)
    return f": {text}" if text else ""


def _sentence(text: str) -> str:
    first = text[:1].lower() if text[1:2].islower() or text[1:2] == " " else text[:1]
    whole = first + text[1:]
    return whole if whole.endswith((".", "?")) else f"{whole}."
