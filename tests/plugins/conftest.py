"""A project for each test."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.plugins.cli import Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project whose every process can be told by its TMPDIR, which has a blank in its name."""
    temporary = tmp_path / "tmp dir"
    temporary.mkdir()
    return Project(tmp_path / "work", variables={"TMPDIR": str(temporary)})
