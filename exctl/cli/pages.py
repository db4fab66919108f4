"""A page for each command, made from its own help: `python -m exctl.cli.pages` writes them to
docs/commands. A test holds them up to date. Pure but for `write_into`."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import click

from exctl.__main__ import SECTIONS, main
from exctl.site import PROGRAM

DIRECTORY = PROGRAM / "docs/commands"
MARK = "<!-- Made by python -m exctl.cli.pages from the command's own help; edit that. -->"
EXAMPLE = "Example: "


def pages() -> dict[str, str]:
    """File name → text, the list of all commands included."""
    context = context_of(main, None)
    found = {"README.md": _index(context)}
    for name, command in parts_of(main, context):
        found[f"{name}.md"] = page(command, context_of(command, context))
    return found


def page(command: click.Command, context: click.Context) -> str:
    """The page of one command, and of those that it consists of."""
    lines = [MARK, "", *_described(command, context, "#")]
    if isinstance(command, click.Group):
        for _, part in parts_of(command, context):
            lines += _described(part, context_of(part, context), "##")
    return "\n".join([*lines, "[All commands](README.md)", ""])


def _described(command: click.Command, context: click.Context, heading: str) -> list[str]:
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    lines = [f"{heading} {context.command_path}", "", f"    {usage}", ""]
    for paragraph in paragraphs(command):
        if not paragraph.startswith(EXAMPLE):
            lines += [_shown(paragraph), ""]
    if examples := examples_of(command):
        title = "Example:" if len(examples) == 1 else "Examples:"
        lines += [title, "", *(f"    {example}" for example in examples), ""]
    if found := records(command, context):
        lines += ["| option | |", "|---|---|"]
        lines += [f"| `{_bars(names)}` | {_shown(_bars(text))} |" for names, text in found]
        lines += [""]
    if command.name == "doctor":
        # What it checks is part of what it does; each name may be waived.
        from health.preflight.report import catalogue

        lines += ["## The checks", "", *catalogue(), ""]
    return lines


def examples_of(command: click.Command) -> list[str]:
    """The examples in a command's help, each as it is typed."""
    return [p.removeprefix(EXAMPLE) for p in paragraphs(command) if p.startswith(EXAMPLE)]


def write_into(directory: Path, pattern: str, made: Mapping[str, str]) -> None:
    """Writes every page, and takes away those of commands that are no more."""
    directory.mkdir(parents=True, exist_ok=True)
    for path in directory.glob(pattern):
        if path.name not in made:
            path.unlink()
    for name, text in made.items():
        (directory / name).write_text(text, encoding="utf-8")


def parts_of(
    group: click.Group, context: click.Context, names: Sequence[str] | None = None
) -> Iterator[tuple[str, click.Command]]:
    """A group's commands by name: all of them, or `names` in their order."""
    for name in group.list_commands(context) if names is None else names:
        command = group.get_command(context, name)
        assert command is not None, name
        yield name, command


def context_of(command: click.Command, parent: click.Context | None) -> click.Context:
    """What click needs to word a command's usage."""
    return click.Context(command, parent, command.name if parent else "exctl")


def paragraphs(command: click.Command) -> list[str]:
    """The help's paragraphs, each on one line; the first says what the command does."""
    text = inspect.cleandoc(command.help or "").replace("\b\n", "")
    return [" ".join(part.split()) for part in re.split(r"\n\s*\n", text) if part.strip()]


def _shown(text: str) -> str:
    """A text for Markdown: what isn't code has its `<` escaped, or it would be taken for HTML."""
    parts = text.split("`")
    return "`".join(p if n % 2 else p.replace("<", "&lt;") for n, p in enumerate(parts))


def records(command: click.Command, context: click.Context) -> list[tuple[str, str]]:
    """(names, help) of each option."""
    found = (
        parameter.get_help_record(context)
        for parameter in command.get_params(context)
        if isinstance(parameter, click.Option) and "--help" not in parameter.opts
    )
    return [record for record in found if record is not None]


def _bars(text: str) -> str:
    return text.replace("|", r"\|")


def _index(context: click.Context) -> str:
    lines = [MARK, "", "# The commands of exctl", ""]
    lines += [f"{_shown(paragraph)}\n" for paragraph in paragraphs(main)]
    for title, names in SECTIONS.items():
        lines += [f"## {title}", "", "| command | does |", "|---|---|"]
        for name, command in parts_of(main, context, names):
            does = paragraphs(command)[0].removesuffix(".")
            lines.append(f"| [`{name}`]({name}.md) | {_shown(_bars(does))} |")
        lines += [""]
    return "\n".join(lines)


if __name__ == "__main__":
    write_into(DIRECTORY, "*.md", pages())
