"""Installs what a project's requirements.txt lists, into the virtual environment that it names."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from plugins.interpreter import Options


class InstallError(Exception):
    """A step that failed; the text says which and what to do."""


def install(options: Options, directory: str, environment: Mapping[str, str]) -> Iterator[bytes]:
    """Install; what the steps print, as it comes. InstallError if one fails."""
    yield b"Installing dependencies...\n\n"
    python = options.python
    if python.virtualenv is not None and not Path(python.path).exists():
        yield b"Creating virtual environment...\n"
        base = getattr(sys, "_base_executable", sys.executable)
        yield from _step([base, "-m", "venv", python.virtualenv], directory, environment)
        yield b"Finished creating virtual environment\n"
    if not Path(directory, "requirements.txt").is_file():
        yield b"No requirements.txt found, nothing to install\n"
        return
    words = [python.path, "-m", "pip", "install", "-r", "requirements.txt"]
    yield from _step(words, directory, python.environment(environment))
    yield b"Finished installing dependencies\n\n"


def _step(words: list[str], directory: str, environment: Mapping[str, str]) -> Iterator[bytes]:
    try:
        process = subprocess.Popen(
            words,
            cwd=directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
    except OSError as problem:
        raise InstallError(f"cannot run {words[0]}: {problem.strerror}") from None
    with process:
        assert process.stdout is not None
        try:
            yield from process.stdout
        finally:
            process.terminate()
    if process.returncode:
        raise InstallError(f"{' '.join(words)} failed with exit code {process.returncode}")
