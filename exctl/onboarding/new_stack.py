"""A new stack: checked as a whole, then written with its secrets encrypted, or not at all."""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
from pulumi import automation as auto

from exctl import files
from exctl.errors import ExctlError, NothingTouched
from exctl.pulumi.interrupts import SIGNALS
from exctl.pulumi.workspace import (
    create_stack,
    explained,
    has_passphrase,
    keep_passphrase,
    remove_stack,
)
from exctl.site import EXAMPLE, PROGRAM, StackPlace
from exctl.stackfile import template
from exctl.stackfile.secret_sources import ways
from exctl.stackfile.secrets import encrypt_in
from exctl.terminal import questions
from exctl.terminal.questions import ask_secret
from stack import yaml_text
from stack.loader import orgs_of_other_stacks, parse
from stack.paths import NAMESPACE
from stack.problems import Problem, message
from stack.secrecy import SECRET_NAMES

_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,99}")


@dataclass
class NewStack:
    """What a stack file is to say: settings by section, secrets by name, and comments by path."""

    settings: dict[str, Any] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    why: dict[str, str] = field(default_factory=dict)


def place_for(project: Path, stack: str) -> StackPlace:
    """Where the stack will be; NothingTouched if the name can't be one or is taken."""
    if _NAME.fullmatch(stack) is None or stack == EXAMPLE:
        raise NothingTouched(
            f"{stack!r} can't be a stack's name: letters, digits, dots, - and _, and not"
            f" {EXAMPLE!r}."
        )
    place = StackPlace(project, stack)
    path = place.file
    if path.exists():
        raise NothingTouched(
            f"{path} already exists and is never overwritten. To change it, edit it, or give a"
            f" secret a new value with: exctl rotate NAME --stack {stack}; then: exctl up --stack"
            f" {stack}."
        )
    return place


def problems_of(new: NewStack, place: StackPlace) -> list[Problem]:
    """All that is wrong with it, missing secrets with the ways to give them."""
    values = {name: json.dumps(section) for name, section in new.settings.items()}
    _, problems = parse(
        values | dict.fromkeys(new.secrets, "given"),
        set(new.secrets),
        orgs_of_other_stacks(place.project, place.stack),
    )
    return [
        Problem(p.path, f"is needed; give it by {ways(p.path)}") if p.path in SECRET_NAMES else p
        for p in problems
    ]


def missing_secrets(problems: Sequence[Problem]) -> list[str]:
    """The secrets that a stack needs and doesn't have."""
    return [problem.path for problem in problems if problem.path in SECRET_NAMES]


def refuse(source: str, problems: Sequence[Problem]) -> None:
    """NothingTouched with every problem, if there is one."""
    if problems:
        raise NothingTouched(message(source, problems))


def ask_for_passphrase(stack: str) -> None:
    """Has the new stack's passphrase chosen, twice the same, unless the environment gives it.

    NothingTouched if there is no terminal to ask on.
    """
    if has_passphrase(stack):
        return
    if not questions.is_terminal():
        raise NothingTouched(
            "the secrets of the new stack are encrypted with a passphrase; set"
            " PULUMI_CONFIG_PASSPHRASE_FILE or PULUMI_CONFIG_PASSPHRASE."
        )
    click.echo("\nThe passphrase encrypts the secrets in the stack file. Keep it: every later")
    click.echo("command needs it, and nobody can read the secrets without it.")
    keep_passphrase(stack, ask_secret(f"passphrase of the stack {stack}", False))


def write_new(place: StackPlace, new: NewStack, head: str) -> Path:
    """Makes the stack and its file; the file's path. `head` becomes the comment at its top.

    Whatever goes wrong, or an interrupt, leaves neither. Secrets are encrypted first, into a file
    that holds nothing else, so that the file itself is written once and whole.
    """
    path = place.file
    example = (PROGRAM / f"Pulumi.{EXAMPLE}.yaml").read_text("utf-8")
    template.rendered(example, new.settings)  # before anything is made
    with _interrupts_held():
        try:
            stack = create_stack(place)
            for name, value in new.secrets.items():
                _end_if_interrupted()
                encrypt_in(stack, {name: value})
            _end_if_interrupted()
            salt, ciphertexts = _sealed(path)
            text = template.rendered(example, new.settings, head, salt, ciphertexts, new.why)
            files.write(path, text)
        except BaseException as failure:
            if path.exists():  # it wasn't before, so it is ours
                remove_stack(place)
                path.unlink(missing_ok=True)
            if isinstance(failure, auto.CommandError):
                said = explained(failure, place)
                raise ExctlError(
                    f"the stack can't be made: {said}. Nothing is left of it."
                ) from None
            raise
    return path


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Within, Ctrl-C waits: what we start inherits that, so that Pulumi isn't cut in a write."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        handlers = {n: signal.signal(n, signal.SIG_IGN) for n in SIGNALS}  # forgets what waits
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        for number, handler in handlers.items():
            signal.signal(number, handler)


def _end_if_interrupted() -> None:
    if signal.sigpending() & set(SIGNALS):
        raise click.Abort


def _sealed(path: Path) -> tuple[str, dict[str, str]]:
    """The salt and the ciphertexts that Pulumi has put into the file."""
    content = yaml_text.read(files.read(path))
    found = {
        key.removeprefix(f"{NAMESPACE}:"): str(value["secure"])
        for key, value in (content.get("config") or {}).items()
    }
    return str(content["encryptionsalt"]), found
