"""Imports point one way, so that each part can be understood and tested without those above it."""

from __future__ import annotations

import ast
from pathlib import Path

from tests.unit.stack_file import CLONE

PURE = {"words", "vendor_facts", "config_schema", "preflight_checks"}
LAYOUT = PURE | {"layout"}
CONFIG = LAYOUT | {"config_rules", "config_loader", "ssh_options"}
ALLOWED = {
    "words": set(),
    "vendor_facts": set(),
    "preflight_checks": set(),
    "config_schema": {"vendor_facts"},
    "layout": PURE,
    "config_rules": LAYOUT,
    "config_loader": LAYOUT | {"config_rules"},
    "ssh_options": PURE,
    "health": CONFIG | {"health"},
    "components": CONFIG | {"health", "components"},
    "exctl": CONFIG | {"health", "exctl"},
    "lab": {"lab"},
    "toolchain": {"toolchain"},
    "engine": {"engine"},
    "__main__": CONFIG | {"components"},
}
"""Who may import what of ours. exctl knows the engine by its path alone, as an executable."""


def imports(path: Path) -> set[str]:
    """The first part of each module that a file imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {name.name.split(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.add(node.module.split(".")[0])
    return found


def files(part: str) -> list[Path]:
    directory = CLONE / part
    return sorted(directory.rglob("*.py")) if directory.is_dir() else [CLONE / f"{part}.py"]


def test_imports_point_one_way() -> None:
    wrong = [
        f"{path.relative_to(CLONE)} imports {name}"
        for part, allowed in ALLOWED.items()
        for path in files(part)
        for name in imports(path) & ALLOWED.keys()
        if name not in allowed
    ]
    assert not wrong


def test_the_schema_needs_no_pulumi() -> None:
    for part in sorted(LAYOUT | {"config_rules"}):
        assert "pulumi" not in imports(CLONE / f"{part}.py"), part


def test_every_module_has_its_place_in_the_order() -> None:
    modules = {path.stem for path in CLONE.glob("*.py")}
    assert modules <= ALLOWED.keys()
