"""No part of a process tells another one something by the directory or the environment."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.unit.stack_file import CLONE

PARTS = ("components", "exctl", "genesys", "health", "hosts", "kit", "monitoring", "oci", "stack")
CHANGES = {"os.chdir", "os.putenv", "os.unsetenv", "contextlib.chdir", "os.environ.update"}
CHANGES |= {f"os.environ.{name}" for name in ("pop", "setdefault", "clear")}


def hidden(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in CHANGES:
            yield f"{path.relative_to(CLONE)}:{node.lineno} calls {ast.unparse(node.func)}"
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store | ast.Del):
            name = ast.unparse(node.value)
            yield from [f"{path}:{node.lineno} changes it"] * (name == "os.environ")


def test_no_part_changes_the_directory_or_the_environment() -> None:
    files = [path for part in PARTS for path in (CLONE / part).rglob("*.py")]
    assert not [found for path in files for found in hidden(path)]
