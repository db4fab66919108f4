"""The one way to Pulumi: its Automation API."""

from __future__ import annotations

import contextlib
import getpass
import json
import os
import re
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

from pulumi import automation as auto
from pulumi.automation._stack import StackInitMode

from exctl import backend
from exctl.errors import ExctlError, NothingTouched
from exctl.pulumi import file_backend
from exctl.pulumi.process import Pulumi
from exctl.rundir import lock_file
from exctl.site import StackPlace
from exctl.terminal import questions
from health.runlock import RUN_LOCK_VARIABLE

_typed: dict[str, str] = {}
"""The passphrases that the operator has typed, by stack."""


class Workspace(auto.LocalWorkspace):
    """Pulumi in a project, with as few runs of the CLI as will do: each takes 0.2 s of CPU, and as
    much again where it derives the key of the secrets.
    """

    _known: ClassVar[set[tuple[str, str]]] = set()
    """Project and stack of what this process has met: each command names its stack."""
    _met: tuple[int, auto.Deployment] | None = None
    """The state that a stack was met with, and how many commands had been run by then."""

    def select_stack(self, stack_name: str) -> None:
        """Meets the stack, the first time, by its state, which its user will ask for next. Raises
        StackNotFoundError if there is none. What an operator's `pulumi` is about stays."""
        if (self.work_dir, stack_name) in self._known:
            return
        try:
            found = self.export_stack(stack_name)
        except auto.StackNotFoundError:
            raise
        except auto.CommandError:  # it is there; whoever needs its state will say what is wrong
            super().select_stack(stack_name)
        else:
            self._met = Pulumi.commands, found

    def note(self, stack_name: str) -> None:
        """The stack is there, as another command has shown."""
        self._known.add((self.work_dir, stack_name))

    def remove_stack(self, stack_name: str, *arguments: Any, **options: Any) -> None:
        """Takes it out of the backend, and out of what is known."""
        self._known.discard((self.work_dir, stack_name))
        super().remove_stack(stack_name, *arguments, **options)

    def export_stack(self, stack_name: str) -> auto.Deployment:
        """The state, with its secrets encrypted, as nobody here needs them."""
        met, self._met = self._met, None
        if met is not None and met[0] == Pulumi.commands:
            return met[1]
        found = json.loads(self._said("stack", "export", "--stack", stack_name))
        self.note(stack_name)
        return auto.Deployment(found.get("version"), found.get("deployment"))

    def stack_outputs(self, stack_name: str) -> auto.OutputMap:
        """The outputs; ours hold no secret, and one that did would be masked."""
        found = json.loads(self._said("stack", "output", "--json", "--stack", stack_name))
        return {name: auto.OutputValue(value, secret=False) for name, value in found.items()}

    def _said(self, *arguments: str) -> str:
        return self.pulumi_command.run(list(arguments), self.work_dir, self.env_vars).stdout


class Stack(auto.Stack):
    """A stack whose runs aren't asked for afterwards, as the SDK does: our event log knows more."""

    def info(self, show_secrets: bool = True) -> auto.UpdateSummary:  # noqa: ARG002  the SDK's
        """Nothing; `history` tells of runs."""
        return auto.UpdateSummary("unknown", datetime.now(UTC), "", {}, {}, "not-asked")


def open_stack(site: StackPlace) -> Stack:
    """The stack in its backend, made there if this is its first use."""
    try:
        return Stack(site.stack, workspace(site), StackInitMode.CREATE_OR_SELECT)
    except auto.CommandError as error:
        why = f"the stack {site.stack} can't be opened: {explained(error, site)}"
        raise ExctlError(why, touched=False) from None


def create_stack(place: StackPlace) -> auto.Stack:
    """A stack that isn't in the backend yet, and its file with nothing but the salt in it.

    Raises NothingTouched if the backend has a stack of that name.
    """
    try:
        return auto.Stack.create(place.stack, workspace(place))
    except auto.StackAlreadyExistsError:
        raise NothingTouched(
            f"the backend has a stack {place.stack} already, though not its stack file. Bring the"
            " file back (from version control, or the last of the releases), or take another"
            " name."
        ) from None
    except auto.CommandError as error:
        why = f"the stack {place.stack} can't be made: {explained(error, place)}"
        raise ExctlError(f"{why}. Nothing is left of it.") from None


def remove_stack(place: StackPlace) -> None:
    """Takes a stack that has no resources out of the backend, and its file away.

    Says so if the backend refuses; a stack that isn't there is no error.
    """
    try:
        workspace(place).remove_stack(place.stack)
    except auto.StackNotFoundError:
        return
    except auto.CommandError as error:
        why = explained(error, place)
        print(f"the stack {place.stack} stays in the backend: {why}", file=sys.stderr)


def select_stack(site: StackPlace) -> auto.Stack | None:
    """The stack if the backend has it, to read what needs no passphrase; none is asked for."""
    try:
        return auto.Stack.select(site.stack, workspace(site, with_secrets=False))
    except auto.StackNotFoundError:
        return None


def exported(site: StackPlace) -> Mapping[str, Any]:
    """The stack's state as its backend has it, empty if it has none.

    Secrets in it stay encrypted, so that no passphrase is needed, and nothing is selected: what
    looks again and again in the background must not change what an operator's `pulumi` is about.
    """
    try:
        found = workspace(site, with_secrets=False).export_stack(site.stack).deployment
    except auto.StackNotFoundError:
        return {}
    except auto.CommandError as error:
        why = f"the state of the stack {site.stack} can't be read: {explained(error, site)}"
        raise ExctlError(why, touched=False) from None
    return found or {}


def workspace(site: StackPlace, with_secrets: bool = True) -> Workspace:
    """Pulumi in the stack's project; without secrets, no passphrase is asked for.

    Its gates look into the file of our lock, whether the operator still wants the run's end.
    """
    variables = {
        "PULUMI_SKIP_UPDATE_CHECK": "1",
        RUN_LOCK_VARIABLE: str(lock_file(site.project, site.stack)),
        **file_backend.variables(site.project),
        **(passphrase(site) if with_secrets else {}),
    }
    file_backend.mend(site.project)
    return Workspace(work_dir=str(site.project), pulumi_command=Pulumi(), env_vars=variables)


def tell_program(stack: auto.Stack, variable: str, value: str) -> None:
    """Sets a variable for this stack's runs to come: a fact of one run, which no stack file has."""
    stack.workspace.env_vars = {**stack.workspace.env_vars, variable: value}


def is_in_backend(site: StackPlace) -> bool:
    """Whether the backend knows a stack of this name, whatever stack files there are."""
    try:
        return any(found.name == site.stack for found in workspace(site).list_stacks())
    except auto.CommandError as error:
        why = f"the backend doesn't answer: {explained(error, site)}"
        raise ExctlError(why, touched=False) from None


def passphrase(site: StackPlace) -> dict[str, str]:
    """The passphrase as a variable for Pulumi, asked for, once, if the environment has none.

    What was typed stays in this process: a way back after a failure must not stop at a prompt, and
    no command but Pulumi is to see it.
    """
    if has_passphrase(site.stack):
        return {"PULUMI_CONFIG_PASSPHRASE": _typed[site.stack]} if site.stack in _typed else {}
    if not questions.is_terminal():
        raise NothingTouched(
            f"the secrets of the stack {site.stack} are encrypted; set PULUMI_CONFIG_PASSPHRASE or"
            " PULUMI_CONFIG_PASSPHRASE_FILE to decrypt them."
        )
    keep_passphrase(site.stack, getpass.getpass(f"Passphrase of stack {site.stack}: "))
    return passphrase(site)


def has_passphrase(stack: str) -> bool:
    """Whether the environment says what the passphrase is, or the operator has typed it."""
    given = {"PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE"} & os.environ.keys()
    return bool(given) or stack in _typed


def passphrase_length(stack: str) -> int | None:
    """How many characters the passphrase has that this process was given; None without one."""
    file = os.environ.get("PULUMI_CONFIG_PASSPHRASE_FILE", "")
    given = _typed.get(stack) or os.environ.get("PULUMI_CONFIG_PASSPHRASE")
    if given is None and file:
        with contextlib.suppress(OSError, UnicodeDecodeError):
            given = Path(file).read_text("utf-8").strip()
    return None if given is None else len(given)


def keep_passphrase(stack: str, text: str) -> None:
    """Lets every run of Pulumi for this stack that this command starts know the passphrase."""
    _typed[stack] = text


def explained(error: auto.CommandError, place: StackPlace) -> str:
    """Why Pulumi failed: in our words, with what to do, where it is the passphrase or the backend;
    else in its own."""
    said = last_error(error)
    if "incorrect passphrase" in said:
        return (
            f"the passphrase isn't the one that the secrets of {place.file.name} are encrypted"
            " with; set PULUMI_CONFIG_PASSPHRASE, or PULUMI_CONFIG_PASSPHRASE_FILE, to that one"
        )
    if "corrupt store" in said:
        return f"{said}; put that file back: it holds the one line `version: 1`"
    if "failed to get the home path" in said:
        return "this user has no home directory; set HOME to one that it may write to"
    if "unable to open state" in said or "PULUMI_ACCESS_TOKEN must be set" in said:
        source = backend.VARIABLE if os.environ.get(backend.VARIABLE) else "Pulumi.yaml"
        return f"the backend that {source} names can't be opened ({said}); correct {source}"
    return said


def last_error(error: auto.CommandError) -> str:
    """Pulumi's own words for what went wrong, without the whole output around them: its last error
    with the lines that belong to it. Never empty."""
    labels = re.compile(r"^\s*(code|stdout|stderr):")  # the SDK puts them before what was said
    lines = [labels.sub("", line).strip() for line in str(error).splitlines()]
    begins = [number for number, line in enumerate(lines) if line.startswith("error:")]
    if begins:
        rest = lines[begins[-1] :]
        end = rest.index("") if "" in rest else len(rest)
        words = re.sub(r"^(error:\s*)+", "", " ".join(rest[:end]))
    else:
        words = next((line for line in reversed(lines) if line and not line.isdecimal()), "")
    return words.strip() or "Pulumi ended without a message"
