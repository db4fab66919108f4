"""What is imported before a program runs: nothing that could tell the difference."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from plugins.imports import Program
from tests.plugins.cli import Project

ROOT = Path(__file__).resolve().parents[2]


def program(directory: Path, **modules: str) -> Program:
    """The program whose files these are; a name's underscores stand for dots."""
    for name, text in modules.items():
        file = directory.joinpath(*name.strip("_").split("_"))
        file.parent.mkdir(exist_ok=True)
        file.with_name("__main__.py" if name == "__main__" else f"{file.name}.py").write_text(text)
    return Program(directory)


@pytest.mark.parametrize(
    "tie",
    [
        "import pulumi",
        "import json, pulumi",
        "from pulumi.dynamic import Resource",
        "import pulumi_docker as docker",
        "try:\n    import pulumi\nexcept ImportError:\n    pass",
        "def f():\n    from pulumi import Output",
        "from . import rules",
        "from rooms import tied",
        "import rooms.tied",
        "from rooms.tied import word",
    ],
)
def test_modules_that_may_know_the_run_wait_for_it(tmp_path: Path, tie: str) -> None:
    found = program(
        tmp_path,
        __main__="import pulumi\nimport first\nimport rules\n",
        first=f"import rules\n{tie}\n",
        rules="import json\n",
        rooms_tied="import pulumi\n",
    )
    assert "first" not in found.free()
    assert "rules" in found.free()


def test_modules_that_import_each_other_are_found_once(tmp_path: Path) -> None:
    found = program(tmp_path, __main__="import one\n", one="import two\n", two="import one\n")
    assert found.free() == ["one", "two"]
    assert program(tmp_path, two="import one\nimport pulumi\n").free() == []


def test_installed_packages_are_found_through_own_modules(tmp_path: Path) -> None:
    found = program(
        tmp_path, __main__="import rules\n", rules="from pydantic import (\n  BaseModel,\n)\n"
    )
    assert found.installed == {"pydantic": {"BaseModel"}}


@pytest.mark.parametrize(
    ("text", "is_there"),
    [("", True), ("print('at import')\n", False), ("raise SystemExit(3)\n", False)],
)
def test_what_is_printed_or_raised_is_left_to_the_run(
    tmp_path: Path, text: str, is_there: bool
) -> None:
    program(tmp_path, __main__="import rules\n", rules=text)
    ahead = (
        "import sys; from pathlib import Path; from plugins.imports import import_ahead;"
        "sys.path.insert(0, '.'); import_ahead(Path.cwd()); print('rules' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", ahead],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == f"{is_there}\n"


def test_a_module_of_the_program_speaks_in_the_run(project: Project) -> None:
    project.program("import pulumi\nimport rules\npulumi.export('word', rules.WORD)\n")
    (project.directory / "rules.py").write_text("print('at import')\nWORD = 'w'\n")
    done = project.up()
    assert "at import" in done.text
    assert project.rows()["test-dev"]["outputs"]["word"] == "w"
