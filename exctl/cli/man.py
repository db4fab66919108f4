"""Manual pages, from the same help that `--help` and docs/commands are made of.

`python -m exctl.cli.man [DIRECTORY]` writes them into DIRECTORY/man1; without one, to where `man`
looks for those of an `exctl` on PATH. Pure but for `write`.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import click

from exctl.__main__ import SECTIONS, main
from exctl.cli.pages import (
    EXAMPLE,
    context_of,
    examples_of,
    paragraphs,
    parts_of,
    records,
    write_into,
)
from exctl.cli.version import PACKAGE

MANUAL = "EX Engage Connector"


def pages() -> dict[str, str]:
    """File name → text in roff: exctl(1), and one page a command."""
    context = context_of(main, None)
    found = {"exctl.1": _overview(context)}
    for name, command in parts_of(main, context):
        found[f"exctl-{name}.1"] = _page(command, context_of(command, context))
    return found


def write(directory: Path) -> None:
    """Writes every page, and takes away those of commands that are no more."""
    write_into(directory / "man1", "exctl*.1", pages())


def _overview(context: click.Context) -> str:
    first, *rest = paragraphs(main)
    lines = [*_head("exctl", first), ".SH SYNOPSIS", ".B exctl", "COMMAND [OPTIONS] [ARGUMENTS]"]
    lines += [".SH DESCRIPTION", *_texts(rest)]
    for title, names in SECTIONS.items():
        lines.append(f".SH {_shown(title).upper()}")
        for name, command in parts_of(main, context, names):
            lines += [".TP", f".BR exctl\\-{_shown(name)} (1)", _shown(paragraphs(command)[0])]
    return "\n".join([*lines, ""])


def _page(command: click.Command, context: click.Context) -> str:
    name = context.command_path.replace(" ", "-")
    first, *_ = paragraphs(command)
    lines = [*_head(name, first), *_described(command, context)]
    if isinstance(command, click.Group):
        for _, part in parts_of(command, context):
            inner = context_of(part, context)
            lines += [f".SH {_shown(inner.command_path).upper()}", *_parts(part, inner)]
    return "\n".join([*lines, ".SH SEE ALSO", ".BR exctl (1)", ""])


def _head(name: str, about: str) -> list[str]:
    version = metadata.version(PACKAGE)
    title = f'.TH {name.upper()} 1 "" "exctl {version}" "{MANUAL}"'
    return [title, ".SH NAME", f"{_shown(name)} \\- {_shown(about.removesuffix('.'))}"]


def _described(command: click.Command, context: click.Context) -> Iterator[str]:
    """The sections of one command."""
    yield from (".SH SYNOPSIS", *_usage(command, context), ".SH DESCRIPTION")
    yield from _texts(paragraphs(command))
    if found := records(command, context):
        yield from (".SH OPTIONS", *_options(found))
    if examples := examples_of(command):
        yield from (".SH EXAMPLES", ".nf", *map(_shown, examples), ".fi")


def _parts(command: click.Command, context: click.Context) -> Iterator[str]:
    """A command of a group, in one section."""
    yield from _usage(command, context)
    yield from _texts(paragraphs(command))
    yield from _options(records(command, context))
    for example in examples_of(command):
        yield from (".PP", ".nf", _shown(example), ".fi")


def _usage(command: click.Command, context: click.Context) -> Iterator[str]:
    yield f".B {_shown(context.command_path)}"
    yield _shown(" ".join(command.collect_usage_pieces(context)))


def _options(found: list[tuple[str, str]]) -> Iterator[str]:
    for names, text in found:
        yield from (".TP", f".B {_shown(names)}", _shown(text) or "\\&")


def _texts(found: list[str]) -> Iterator[str]:
    for text in found:
        if not text.startswith(EXAMPLE):
            yield from (".PP", _shown(text))


def _shown(text: str) -> str:
    """A text for roff: its own signs escaped, what is in backticks bold; a dash is a dash that can
    be copied."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    text = re.sub(r"`([^`]*)`", r"\\fB\1\\fR", text)
    return f"\\&{text}" if text[:1] in (".", "'") else text


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(sys.prefix) / "share/man")
