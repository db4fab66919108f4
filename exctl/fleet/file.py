"""fleet.yaml, read: its waves, held against the stacks that there are."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import ValidationError

from config_schema.fleet import Fleet
from exctl import files
from exctl.errors import NothingTouched
from exctl.site import stacks_of
from stack import yaml_text
from stack.problems import Problem, message, of_schema

NAME = "fleet.yaml"


def read(project: Path) -> Fleet:
    """The fleet of a project. Raises NothingTouched with every problem of the file at once."""
    path = project / NAME
    if not path.exists():
        raise NothingTouched(
            f"{project} has no {NAME}, which says in which order stacks change. Begin with:"
            f" cp fleet.example.yaml {NAME}"
        )
    found, problems = parsed(files.read(path), set(stacks_of(project)))
    if found is None or problems:
        raise NothingTouched(message(NAME, problems))
    return found


def parsed(text: str, known: set[str]) -> tuple[Fleet | None, list[Problem]]:
    """The fleet that a text is, and what is wrong with it; `known` are the stacks that there are.
    Pure."""
    try:
        fleet = Fleet.model_validate_json(json.dumps(yaml_text.read(text)))
    except yaml_text.NotReadable as error:
        return None, error.problems
    except ValidationError as error:
        return None, [of_schema(detail, root=Fleet) for detail in error.errors()]
    named = [stack for wave in fleet.waves for stack in wave.stacks]
    return fleet, [
        Problem(f"stack {stack}", f"there is no stack file Pulumi.{stack}.yaml")
        for stack in named
        if stack not in known
    ]
