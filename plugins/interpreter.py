"""Which Python runs the program and its dynamic providers."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plugins import grpc_proxy

OPTIONS = frozenset({"virtualenv", "toolchain", "typechecker"})
TYPECHECKERS = ("mypy", "pyright")


class OptionError(Exception):
    """A runtime option in Pulumi.yaml that can't be followed; the text says which and why."""


@dataclass(frozen=True)
class Interpreter:
    """A Python, and the virtual environment that the project names, if it names one."""

    path: str
    virtualenv: str | None = None

    @property
    def is_ours(self) -> bool:
        """True if it is the one that the host runs in: what is imported there is the same."""
        here = Path(sys.prefix)
        there = Path(self.path).absolute().parent.parent
        return there == here or (there.exists() and there.samefile(here))

    def environment(self, given: Mapping[str, str]) -> dict[str, str]:
        """The environment of what it runs: the CLI's, with the virtual environment active."""
        found = dict(given)
        grpc_proxy.spare_this_machine(found)
        if self.virtualenv is not None:
            found.pop("PYTHONHOME", None)
            found["VIRTUAL_ENV"] = self.virtualenv
            found["PATH"] = f"{self.virtualenv}/bin:{found.get('PATH', os.defpath)}"
        return found


@dataclass(frozen=True)
class Options:
    """The runtime options of a project."""

    virtualenv: str | None
    """As the project names it."""
    typechecker: str | None
    python: Interpreter


def options_of(given: Mapping[str, Any], root: str, environment: Mapping[str, str]) -> Options:
    """The runtime options that Pulumi.yaml in `root` gives. OptionError for one that can't be
    followed."""
    for name, value in given.items():
        if name in OPTIONS and not isinstance(value, str):
            raise OptionError(f"{name} option must be a string")
    toolchain = given.get("toolchain", "pip")
    if toolchain != "pip":
        raise OptionError(
            f"the runtime option toolchain: {toolchain} in Pulumi.yaml is not supported by this"
            " language host, which knows pip alone. Use toolchain: pip, or Pulumi's own"
            " language host"
        )
    typechecker = given.get("typechecker")
    if typechecker not in (None, *TYPECHECKERS):
        raise OptionError(f"unsupported typechecker option: {typechecker}")
    virtualenv = given.get("virtualenv") or None
    return Options(virtualenv, typechecker, _python(virtualenv, root, environment))


def of_dynamic_provider(environment: Mapping[str, str], directory: str) -> Interpreter:
    """The Python for the dynamic providers of a project: its options come as variables.
    OptionError if its virtual environment isn't there."""
    python = _python(environment.get("PULUMI_RUNTIME_VIRTUALENV"), directory, environment)
    require(python)
    return python


def _python(virtualenv: str | None, root: str, environment: Mapping[str, str]) -> Interpreter:
    if virtualenv:
        place = os.path.normpath(Path(root, virtualenv))
        return Interpreter(f"{place}/bin/python", place)
    search = environment.get("PATH", os.defpath)
    if named := environment.get("PULUMI_PYTHON_CMD"):
        return Interpreter(shutil.which(named, path=search) or named)
    for name in ("python3", "python"):
        found = shutil.which(name, path=search)
        # A Python that belongs to the system has no project's packages: ours is the better guess.
        if found and Path(found).absolute().parent.parent.joinpath("pyvenv.cfg").is_file():
            return Interpreter(found)
    return Interpreter(sys.executable)


def require(python: Interpreter) -> None:
    """OptionError if there is no such Python."""
    if os.access(python.path, os.X_OK):
        return
    if python.virtualenv is None:
        raise OptionError(f"there is no Python {python.path}, which PULUMI_PYTHON_CMD names")
    what = "is no virtual environment" if Path(python.virtualenv).is_dir() else "does not exist"
    raise OptionError(
        f"the 'virtualenv' option in Pulumi.yaml is set to \"{python.virtualenv}\", which {what}."
        " Run: pulumi install"
    )
