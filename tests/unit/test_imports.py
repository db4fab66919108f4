"""Imports point one way, so that each part can be understood and tested without those above it."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

from tests.unit.stack_file import CLONE

LOWEST = {"vendor_facts", "config_schema"}
HOSTS = LOWEST | {"stack", "hosts", "oci"}
HEALTH = HOSTS | {"health"}
DESCRIBED = HEALTH | {"components", "monitoring", "genesys", "engage"}
ALLOWED = {
    "vendor_facts": set(),
    "config_schema": LOWEST,
    "stack": LOWEST | {"stack"},
    "oci": LOWEST | {"stack", "oci"},
    "hosts": HOSTS,
    "health": HEALTH,
    "components": DESCRIBED,
    "monitoring": HEALTH | {"monitoring"},
    "genesys": HEALTH | {"genesys"},
    "engage": HEALTH | {"engage"},
    "exctl": DESCRIBED | {"exctl", "kit", "toolchain"},
    "kit": {"kit"},
    "lab": {"lab"},
    "toolchain": {"toolchain"},
    "plugins": {"plugins"},
    "__main__": DESCRIBED,
}
"""Who may import what of ours. What isn't here isn't ours, or has no place yet."""
BEFORE_ANYTHING_IS_INSTALLED = {
    "contents", "errors", "install", "place", "signature", "steps", "uninstall", "verify"
}  # fmt: skip
"""What of the kit runs with a machine's own Python."""
NOT_OURS_TO_IMPORT = {"tests", "docs", "scripts", "releases", "state", "build"}


def imports(path: Path) -> set[str]:
    """The first part of each module that a file imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
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
        if path.exists()
        for name in imports(path) & ALLOWED.keys()
        if name not in allowed
    ]
    assert not wrong


def test_the_rules_of_a_stack_need_no_pulumi() -> None:
    for part in ("config_schema", "vendor_facts", "stack"):
        for path in files(part):
            if path.name != "loader.py":
                assert "pulumi" not in imports(path), path


def test_an_installation_needs_nothing_but_the_standard_library() -> None:
    found = set()
    todo = ["install", "uninstall"]
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            path = CLONE / "kit" / f"{name}.py"
            assert imports(path) <= sys.stdlib_module_names | {"kit"}, path
            todo += re.findall(r"^from kit\.(\w+) import", path.read_text(), re.MULTILINE)
            todo += re.findall(r"^from kit import (\w+)$", path.read_text(), re.MULTILINE)
    assert found == BEFORE_ANYTHING_IS_INSTALLED


def test_every_part_has_its_place_in_the_order() -> None:
    modules = {path.stem for path in CLONE.glob("*.py")}
    packages = {path.parent.name for path in CLONE.glob("*/__init__.py")}
    assert (modules | packages) - NOT_OURS_TO_IMPORT <= ALLOWED.keys()
