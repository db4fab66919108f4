"""The wheel holds every module, and works where the clone isn't."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from exctl.__main__ import SECTIONS
from tests.unit.stack_file import CLONE

OURS = ("tests", "toolchain", "build")
"""Directories of Python files that aren't packaged."""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy: setuptools leaves `build/` and `*.egg-info` where it builds."""
    source, made = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for path in CLONE.iterdir():
        if path.is_file():
            shutil.copy(path, source)
        elif (path / "__init__.py").exists() and path.name not in OURS:
            shutil.copytree(path, source / path.name)
    pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(made), str(source))
    return next(made.glob("*.whl"))


def pip(*arguments: str) -> None:
    command = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments]
    run = subprocess.run([*command, "--no-index"], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr


def test_the_wheel_has_every_module_of_the_clone(wheel: Path) -> None:
    there = {path.relative_to(CLONE) for path in CLONE.rglob("*.py")}
    modules = {
        str(path)
        for path in there
        if not path.parts[0].startswith(".") and path.parts[0] not in OURS
    } - {"__main__.py"}  # Pulumi runs the program from a clone
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if name.endswith(".py")}
    assert packed == modules
    assert len(packed) > 150


def test_the_wheel_has_the_templates(wheel: Path) -> None:
    there = {str(path.relative_to(CLONE)) for path in (CLONE / "exctl").rglob("*.j2")}
    assert there
    assert there <= set(zipfile.ZipFile(wheel).namelist())


def test_the_wheel_names_its_licence(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert [name for name in names if name.endswith("/licenses/LICENSE")]


def test_exctl_works_from_a_wheel_installed_elsewhere(wheel: Path, tmp_path: Path) -> None:
    """In an environment of its own that has our dependencies, but not the clone."""
    place = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", place], check=True)
    packages = Path(sysconfig.get_path("purelib", "venv", {"base": str(place)}))
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    pip("--python", str(place / "bin/python"), "install", "--no-deps", str(wheel))
    variables = {**os.environ, "PYTHONPATH": ""}
    shown = subprocess.run(
        [place / "bin/exctl", "--help"], cwd=tmp_path, env=variables, capture_output=True, text=True
    )
    assert "Exit codes:" in shown.stdout, shown.stderr
    names = [name.replace("-", "_") for names in SECTIONS.values() for name in names]
    modules = [*(f"exctl.commands.{name}" for name in names), "exctl.runs.deployment", "lab.lab"]
    code = "import importlib, sys\nfor name in sys.argv[1:]: print(importlib.import_module(name))"
    loaded = subprocess.run(
        [place / "bin/python", "-c", code, *modules],
        cwd=tmp_path, env=variables, capture_output=True, text=True,
    )  # fmt: skip
    assert loaded.returncode == 0, loaded.stderr
    assert str(CLONE) not in loaded.stdout
