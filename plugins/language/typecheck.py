"""Checks a program's types before it runs, where the project asks for that."""

from __future__ import annotations

import os
import subprocess

from plugins.interpreter import Options
from plugins.language import packages
from plugins.launcher import Launcher


class TypecheckError(Exception):
    """The program doesn't pass, or its checker isn't installed."""


def check(options: Options, directory: str, launcher: Launcher) -> None:
    """Run the project's type checker on the program's directory. TypecheckError with what it said
    if it finds anything."""
    checker, python, environment = options.typechecker, options.python, launcher.environment
    assert checker is not None
    if checker not in {package.name for package in packages.installed(python, environment)}:
        raise TypecheckError(
            f"The typechecker option is set to {checker}, but {checker} is not installed. Please"
            f" add an entry for {checker} to requirements.txt and run: pulumi install"
        )
    words = [python.path, "-m", checker]
    if checker == "mypy" and python.virtualenv is not None:
        words += ["--exclude", os.path.relpath(python.virtualenv, directory)]
    done = subprocess.run(
        [*words, directory],
        cwd=directory,
        env=python.environment(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    os.write(launcher.stdout, done.stdout)
    if done.returncode:
        said = done.stdout.decode(errors="replace")
        raise TypecheckError(f"{checker} failed: exit status {done.returncode}\n{said}")
