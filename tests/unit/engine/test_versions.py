"""Proves which ranges of versions the engine is in, as a project or a program may demand one."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.project import ProjectError, load_project
from engine.versions import is_in


@pytest.mark.parametrize(
    ("wanted", "fits"),
    [
        (">=3.0.0", True),
        (">= 3.1.0, < 4.0.0", True),
        (">=3.260.1", False),
        ("<3.260.0", False),
        ("3.x", True),
        ("3.259.x || 3.260.*", True),
        ("=3.260.0", True),
        ("!=3.260.0", False),
        (">3.260", False),
        ("4", False),
        ("*", True),
    ],
)
def test_a_version_is_in_a_range_or_not(wanted: str, fits: bool) -> None:
    assert is_in(wanted, "v3.260.0") is fits


@pytest.mark.parametrize("wanted", ["", "soon", ">=3.0.0 soon", "3.0.0-alpha", "=>3"])
def test_what_is_no_range_is_refused(wanted: str) -> None:
    with pytest.raises(ValueError, match="isn't a range"):
        is_in(wanted)


def test_a_project_that_demands_another_version_is_refused(tmp_path: Path) -> None:
    text = "name: p\nruntime: python\nrequiredPulumiVersion: '>=4.0.0'\n"
    (tmp_path / "Pulumi.yaml").write_text(text)
    with pytest.raises(ProjectError, match=r"requested by the project: >=4.0.0"):
        load_project(tmp_path)
