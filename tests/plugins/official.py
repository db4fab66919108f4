"""The official plugins, where a directory with them is given (EXEC_OFFICIAL_PLUGINS)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.plugins.cli import Project

VARIABLE = "EXEC_OFFICIAL_PLUGINS"


def official(name: str) -> Path:
    """The directory of the official plugins; skips the test where it isn't given."""
    given = os.environ.get(VARIABLE)
    if not given:
        pytest.skip(f"{VARIABLE} names no directory with {name}: nothing to go to and fro with")
    assert (Path(given) / name).is_file(), f"{VARIABLE}={given} has no {name}"
    return Path(given)


class Sides:
    """One project, run with our plugins or with the official ones."""

    def __init__(self, work: Path, plugin: str) -> None:
        self.project = Project(work)
        self._ours = self.project.environment["PATH"]
        self._theirs = f"{official(plugin)}:{self._ours}"

    def ours(self) -> Project:
        """The project, with our plugins."""
        self.project.variables["PATH"] = self._ours
        return self.project

    def theirs(self) -> Project:
        """The project, with the official plugins."""
        self.project.variables["PATH"] = self._theirs
        return self.project
