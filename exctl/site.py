"""Which project and which stack a command is about, and what its stack file says.

Light until a stack file is read: shell completion asks for the stacks at every TAB.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from exctl.errors import NothingTouched

if TYPE_CHECKING:  # every command names Site: `exctl --help` and completion load no more than that
    from pydantic import BaseModel

    from config_schema import ExecConfig
    from stack.layout import Layout

PROGRAM = Path(__file__).resolve().parents[1]
EXAMPLE = "example"
STACK_VARIABLE = "PULUMI_STACK"


@dataclass(frozen=True)
class StackPlace:
    """Where a stack is, whatever its file says."""

    project: Path
    stack: str

    @property
    def file(self) -> Path:
        return self.project / f"Pulumi.{self.stack}.yaml"


@dataclass(frozen=True)
class Site(StackPlace):
    """One stack: its project's directory, its validated config, and what it consists of.

    The files that the config names are the project's: their paths are absolute here.
    """

    config: ExecConfig
    layout: Layout


def find_project() -> Path:
    """The directory of Pulumi.yaml: this one or one above it, else that of this program, or above
    it: a program that a kit has installed lies in its project's directory, in versions/.

    Raises NothingTouched if the directory that the shell is in is gone.
    """
    try:
        here = Path.cwd()
    except OSError:
        raise NothingTouched("the current directory is gone; change to another one.") from None
    for directory in (here, *here.parents, PROGRAM, *PROGRAM.parents):
        if (directory / "Pulumi.yaml").exists():
            return directory
    return PROGRAM


def stacks_of(project: Path) -> list[str]:
    """The stacks that have a file, by name."""
    names = (
        path.name.removeprefix("Pulumi.").removesuffix(".yaml")
        for path in project.glob("Pulumi.*.yaml")
    )
    return sorted(name for name in names if name != EXAMPLE)


def wanted_stack(named: str | None, known: list[str]) -> str | None:
    """The stack named, else the one in PULUMI_STACK (maybe with its organization and project, as
    Pulumi takes it), else the only one there is."""
    wanted = named or os.environ.get(STACK_VARIABLE, "").rpartition("/")[2]
    return wanted or (known[0] if len(known) == 1 else None)


def find_place(stack: str | None) -> StackPlace:
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
    place = StackPlace(project, wanted)
    if wanted not in known:
        raise NothingTouched(
            f"there is no stack file {place.file}; {project} has {_list(known)}. To begin a new"
            f" stack: exctl init --stack {wanted}."
        )
    return place


def open_site(stack: str | None, candidate: Path | None = None) -> Site:
    """The stack (as `find_place` finds it) as its file says, or as `candidate` in its place would.

    Raises NothingTouched with every problem of the stack file at once.
    """
    place = find_place(stack)
    return site_at(place, candidate or place.file)


def site_at(place: StackPlace, path: Path) -> Site:
    """The stack as the file at `path` says. Raises NothingTouched with every problem at once."""
    return _parsed(place, path.name, *read_stack_file(path))


def site_of(place: StackPlace, name: str, text: str) -> Site:
    """The stack as this text of a stack file, which is called `name`, says."""
    return _parsed(place, name, *read_settings(name, text))


def _parsed(place: StackPlace, name: str, values: Mapping[str, str], secret_keys: set[str]) -> Site:
    from stack.layout import build_layout
    from stack.loader import orgs_of_other_stacks, parse
    from stack.problems import message

    others = orgs_of_other_stacks(place.project, place.stack)
    config, problems = parse(values, secret_keys, others, place.stack)
    if config is None or problems:
        raise NothingTouched(message(name, problems))
    config = _anchored(config, place.project)
    return Site(place.project, place.stack, config, build_layout(config, place.stack))


def _anchored(config: ExecConfig, project: Path) -> ExecConfig:
    from stack.ssh import anchored

    def here(section: BaseModel, name: str) -> BaseModel:
        path = getattr(section, name)
        return section if path is None else section.model_copy(update={name: str(project / path)})

    update = {
        "ssh": anchored(config.ssh, project),
        "preflight": here(config.preflight, "ca_path"),
        "genesys": here(config.genesys, "ca_path"),
        "protect": here(config.protect, "allowed_signers_path"),
    }
    return config.model_copy(update=update)


def read_stack_file(path: Path) -> tuple[dict[str, str], set[str]]:
    """Our settings as the texts that Pulumi would give, and the names of the secrets.

    A secret's text is its ciphertext: enough to tell that it's set. Raises NothingTouched if the
    file isn't YAML or has no `config`.
    """
    from exctl import files

    return read_settings(path.name, files.read(path))


def read_settings(name: str, text: str) -> tuple[dict[str, str], set[str]]:
    """The same of a stack file's text; `name` is what it is called."""
    from stack import yaml_text
    from stack.problems import message

    try:
        ours = yaml_text.settings_in(text)
    except yaml_text.NotReadable as error:
        raise NothingTouched(message(name, error.problems)) from None
    secret_keys = {name for name, value in ours.items() if yaml_text.holds_secret(value)}
    return {name: _text(value) for name, value in ours.items()}, secret_keys


def _text(value: Any) -> str:
    match value:
        case None:
            return ""
        case str():
            return value
        case {"secure": str(ciphertext), **others} if not others:
            return ciphertext
    return json.dumps(value)


def _list(stacks: list[str]) -> str:
    return f"the stacks {', '.join(stacks)}" if stacks else "no stack file"
