"""Which project and which stack a command is about, and what its stack file says."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from config_loader import NAMESPACE, message, orgs_of_other_stacks, parse
from config_schema import ExecConfig
from exctl.errors import NothingTouched
from layout import Layout, build_layout

PROGRAM = Path(__file__).resolve().parents[1]
EXAMPLE = "example"


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


def find_project() -> Path:
    """The directory of Pulumi.yaml: this one or one above it, else that of this program."""
    for directory in (Path.cwd(), *Path.cwd().parents):
        if (directory / "Pulumi.yaml").exists():
            return directory
    return PROGRAM


def stacks_of(project: Path) -> list[str]:
    """The stacks that have a file, by name."""
    names = (path.name.split(".")[1] for path in project.glob("Pulumi.*.yaml"))
    return sorted(name for name in names if name != EXAMPLE)


def find_place(stack: str | None) -> Place:
    """The stack named, else the one in PULUMI_STACK, else the only one there is.

    Raises NothingTouched with the stacks there are if it has no file.
    """
    project = find_project()
    known = stacks_of(project)
    wanted = stack or os.environ.get("PULUMI_STACK")
    if wanted is None and len(known) == 1:
        (wanted,) = known
    if wanted is None:
        raise NothingTouched(
            f"say which stack: --stack NAME, or PULUMI_STACK; {project} has {_list(known)}."
        )
    path = project / f"Pulumi.{wanted}.yaml"
    if wanted not in known:
        raise NothingTouched(
            f"there is no stack file {path}; {project} has {_list(known)}. To begin a new stack,"
            f" copy Pulumi.example.yaml to {path.name} and edit it. Nothing was touched."
        )
    return Place(project, wanted)


def open_site(stack: str | None, candidate: Path | None = None) -> Site:
    """The stack (as `find_place` finds it) as its file says, or as `candidate` in its place would.

    Raises NothingTouched with every problem of the stack file at once.
    """
    place = find_place(stack)
    # ssh is to be started there: the paths of keys in a stack file are relative to it.
    os.chdir(place.project)
    path = candidate or place.project / f"Pulumi.{place.stack}.yaml"
    values, secret_keys = read_stack_file(path)
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
        content = yaml.safe_load(path.read_text())
    except yaml.YAMLError as error:
        raise NothingTouched(f"{path.name} isn't YAML: {error}. Nothing was touched.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise NothingTouched(f"{path.name} can't be read: {error}. Nothing was touched.") from None
    found = content.get("config") if isinstance(content, Mapping) else None
    if not isinstance(found, Mapping):
        raise NothingTouched(f"{path.name} has no section `config`. Nothing was touched.")
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
