"""Where the project and its stack files are. Light: shell completion asks this at every TAB."""

from __future__ import annotations

import os
from pathlib import Path

PROGRAM = Path(__file__).resolve().parents[1]
EXAMPLE = "example"
STACK_VARIABLE = "PULUMI_STACK"


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


def wanted_stack(named: str | None, known: list[str]) -> str | None:
    """The stack named, else the one in PULUMI_STACK, else the only one there is."""
    wanted = named or os.environ.get(STACK_VARIABLE)
    return known[0] if wanted is None and len(known) == 1 else wanted
