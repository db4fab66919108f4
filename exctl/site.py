"""Which project and which stack a command is about, and what its stack file says."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from exctl.errors import NothingTouched
from exctl.project import EXAMPLE as EXAMPLE
from exctl.project import PROGRAM as PROGRAM
from exctl.project import find_project as find_project
from exctl.project import stacks_of as stacks_of
from exctl.project import wanted_stack

if TYPE_CHECKING:  # every command names Site: `exctl --help` and completion load no more than that
    from config_schema import ExecConfig
    from stack.layout import Layout


@dataclass(frozen=True)
class Place:
    """Where a stack is, whatever its file says."""

    project: Path
    stack: str


@dataclass(frozen=True)
class Site(Place):
    """One stack: its project's directory, its validated config, and what it consists of."""

    config: ExecConfig
    layout: Layout


def find_place(stack: str | None) -> Place:
    """The stack named, else the one in PULUMI_STACK, else the only one there is.

    Raises NothingTouched with the stacks there are if it has no file.
    """
    project = find_project()
    known = stacks_of(project)
    wanted = wanted_stack(stack, known)
    if wanted is None:
        raise NothingTouched(
            f"say which stack: --stack NAME, or PULUMI_STACK; {project} has {_list(known)}."
        )
    path = project / f"Pulumi.{wanted}.yaml"
    if wanted not in known:
        raise NothingTouched(
            f"there is no stack file {path}; {project} has {_list(known)}. To begin a new stack:"
            f" exctl init --stack {wanted}."
        )
    return Place(project, wanted)


def open_site(stack: str | None, candidate: Path | None = None) -> Site:
    """The stack (as `find_place` finds it) as its file says, or as `candidate` in its place would.

    Raises NothingTouched with every problem of the stack file at once.
    """
    place = find_place(stack)
    # ssh is to be started there: the paths of keys in a stack file are relative to it.
    os.chdir(place.project)
    return site_at(place, candidate or place.project / f"Pulumi.{place.stack}.yaml")


def site_at(place: Place, path: Path) -> Site:
    """The stack as the file at `path` says. Raises NothingTouched with every problem at once."""
    return _parsed(place, *read_stack_file(path))


def site_of(place: Place, name: str, text: str) -> Site:
    """The stack as this text of a stack file, which is called `name`, says."""
    return _parsed(place, *read_settings(name, text))


def _parsed(place: Place, values: Mapping[str, str], secret_keys: set[str]) -> Site:
    from stack.layout import build_layout
    from stack.loader import message, orgs_of_other_stacks, parse

    others = orgs_of_other_stacks(place.project, place.stack)
    config, problems = parse(values, secret_keys, others)
    if config is None or problems:
        raise NothingTouched(message(place.stack, problems))
    return Site(place.project, place.stack, config, build_layout(config, place.stack))


def read_stack_file(path: Path) -> tuple[dict[str, str], set[str]]:
    """Our settings as the texts that Pulumi would give, and the names of the secrets.

    A secret's text is its ciphertext: enough to tell that it's set. Raises NothingTouched if the
    file isn't YAML or has no `config`.
    """
    try:
        text = path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise NothingTouched(f"{path.name} can't be read: {error}.") from None
    return read_settings(path.name, text)


def read_settings(name: str, text: str) -> tuple[dict[str, str], set[str]]:
    """The same of a stack file's text; `name` is what it is called."""
    import yaml

    from stack.loader import NAMESPACE

    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise NothingTouched(f"{name} isn't YAML: {error}.") from None
    found = content.get("config") if isinstance(content, Mapping) else None
    if not isinstance(found, Mapping):
        raise NothingTouched(f"{name} has no section `config`.")
    prefix = f"{NAMESPACE}:"
    ours = {str(k).removeprefix(prefix): v for k, v in found.items() if str(k).startswith(prefix)}
    secret_keys = {name for name, value in ours.items() if _is_secret(value)}
    return {name: _text(value) for name, value in ours.items()}, secret_keys


def _is_secret(value: Any) -> bool:
    return isinstance(value, Mapping) and set(value) == {"secure"}


def _text(value: Any) -> str:
    if _is_secret(value):
        return str(value["secure"])
    return value if isinstance(value, str) else json.dumps(value, default=str)


def _list(stacks: list[str]) -> str:
    return f"the stacks {', '.join(stacks)}" if stacks else "no stack file"
