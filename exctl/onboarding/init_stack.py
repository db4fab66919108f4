"""`exctl init`: from answers, or from a file, to a stack that can be checked and deployed."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from exctl import files
from exctl.errors import NothingTouched
from exctl.onboarding import new_stack
from exctl.onboarding.interview import Interview
from exctl.onboarding.new_stack import NewStack
from exctl.site import StackPlace, find_project
from exctl.stackfile import secret_sources
from exctl.terminal import questions
from exctl.terminal.questions import ask, ask_secret
from stack import yaml_text
from stack.loader import orgs_of_other_stacks
from stack.paths import NAMESPACE
from stack.problems import Problem, message
from stack.secrecy import SECRET_NAMES
from stack.text import counted

WELCOME = """A new stack: one Engage tenant and its EX organization. Each question is explained;
Enter takes the default in brackets. Ctrl-C ends it and leaves nothing behind."""
HEAD = """Stack {stack}, written by exctl init. A line that begins with `#name:` is a setting at its
default, or an example if it has none; remove the `#` to change it (and that of the sections
around it). Then: exctl survey --stack {stack}"""


def begin(stack: str | None, source: Path | None, secrets_stdin: bool) -> Iterator[str]:
    """Writes `Pulumi.<stack>.yaml`; what was done and what to do next, line by line.

    Raises NothingTouched with every problem at once; click.Abort if the operator ends it.
    """
    is_terminal = questions.is_terminal()
    if source is None and (secrets_stdin or not is_terminal):
        raise NothingTouched(
            "there is no terminal to ask on; give the settings with --from FILE."
            if not is_terminal
            else "--secrets-stdin needs --from FILE."
        )
    if stack is None and source is None:
        stack = ask("name of the new stack", "")
    if not stack:
        raise NothingTouched("name the new stack: --stack NAME.")
    place = new_stack.place_for(find_project(), stack)
    new = _asked(place) if source is None else _read(place, source, secrets_stdin)
    new_stack.ask_for_passphrase(stack)
    path = new_stack.write_new(place, new, HEAD.format(stack=stack))
    yield from _done(path, stack, new)


def _asked(place: StackPlace) -> NewStack:
    given, problems = secret_sources.from_environment(os.environ)
    new_stack.refuse("the environment", problems)
    click.echo(WELCOME)
    interview = Interview(
        ask, ask_secret, click.echo, orgs_of_other_stacks(place.project, place.stack)
    )
    new = interview.run(given)
    new_stack.refuse("what was answered", new_stack.problems_of(new, place))
    return new


def _read(place: StackPlace, source: Path, secrets_stdin: bool) -> NewStack:
    """The stack of a file; secrets from everywhere but there, or asked for on a terminal."""
    is_stdin = str(source) == "-"
    if is_stdin and secrets_stdin:
        raise NothingTouched("stdin can't be both --from - and --secrets-stdin.")
    name = "stdin" if is_stdin else str(source)
    text = questions.all_of_stdin() if is_stdin else files.read(source)
    settings, problems = _settings(name, text)
    secrets, wrong = secret_sources.from_environment(os.environ)
    problems += wrong
    if secrets_stdin:
        more, wrong = secret_sources.from_lines(questions.all_of_stdin())
        secrets |= more
        problems += wrong
    new = NewStack(settings, secrets)
    found = new_stack.problems_of(new, place)
    can_ask = not is_stdin and not secrets_stdin and questions.is_terminal()
    missing = new_stack.missing_secrets(found)
    if can_ask and not problems and len(found) == len(missing):
        for secret in missing:
            click.echo(f"{secret}: needed, and not given otherwise")
            new.secrets[secret] = ask_secret(secret, False)
        return new
    new_stack.refuse(name, [*problems, *found])
    return new


def _settings(name: str, text: str) -> tuple[dict[str, Any], list[Problem]]:
    """The sections of a file, with or without `config:` and `exec:`; secrets in it are problems."""
    try:
        content = yaml_text.read(text)
    except yaml_text.NotReadable as error:
        raise NothingTouched(message(name, error.problems)) from None
    found = content.get("config", content)
    if not isinstance(found, Mapping) or not found:
        raise NothingTouched(f"{name} has no settings.")
    sections = {key.removeprefix(f"{NAMESPACE}:"): value for key, value in found.items()}
    problems = [
        Problem(
            key,
            f"stands in {name}; remove it there, and give it by {secret_sources.ways(key)}",
        )
        for key in sections
        if key in SECRET_NAMES
    ]
    return {k: v for k, v in sections.items() if k not in SECRET_NAMES}, problems


def _done(path: Path, stack: str, new: NewStack) -> Iterator[str]:
    pairs = new.settings["excp"]["pairs"]
    pairs_word = counted(len(pairs), "pair")
    secrets = ", ".join(name for name in SECRET_NAMES if name in new.secrets)
    yield f"\n{path.name} is written: EXCS, EXAS, {pairs_word}; encrypted: {secrets}"
    yield "Next:"
    for command, what in (
        ("survey", "checks what a sync will find in Engage"),
        ("genesys check", "checks the EX organization"),
        ("doctor", "checks hosts, networks and all they must reach"),
        ("preview", "shows what would happen, host by host"),
        ("up", "shows the plan, asks, deploys, waits for the sync"),
    ):
        yield f"  exctl {command} --stack {stack}".ljust(40) + what
