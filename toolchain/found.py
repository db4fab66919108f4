"""What this machine has already: a Pulumi CLI, a Go."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from toolchain.versions import Locked, Version, parse

ANSWER_SECONDS = 30
"""Chosen: a CLI answers in 0.4 s, on a busy machine in 3 s."""


@dataclass(frozen=True)
class FoundProgram:
    """A program on PATH, and the version that it names: None if it doesn't name one."""

    path: Path
    version: Version | None


def cache() -> Path:
    """Where every clone of this user finds the CLIs that were built here."""
    given = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (given if given.is_absolute() else Path.home() / ".cache") / "exec"


def cached_cli(wanted: Locked) -> Path:
    """Where a CLI that was built of what the lock file names is, or would be: a raised module is
    another build of the same version."""
    return cache() / f"pulumi-{wanted.cli}+{wanted.modules}" / "pulumi"


def cli_on_path(environment: Path) -> FoundProgram | None:
    """The CLI on PATH, apart from the link that set-up itself made in this clone's environment.

    A link into the cache (another clone's environment) is followed, so that this clone goes on
    when that one is deleted. No other link is: a version manager's shim knows its job by its name.
    """
    own = (environment / "bin").resolve()
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    path = shutil.which(
        "pulumi", path=os.pathsep.join(f for f in folders if Path(f).resolve() != own)
    )
    if path is None:
        return None
    file = Path(path).absolute()
    if file.resolve().is_relative_to(cache().resolve()):
        file = file.resolve()
    return FoundProgram(file, answer([str(file), "version"]))


def go_on_path() -> FoundProgram | None:
    """The Go on PATH; its own version, not one that it would download for a module."""
    path = shutil.which("go")
    return None if path is None else FoundProgram(Path(path), answer([path, "env", "GOVERSION"]))


def answer(command: list[str], seconds: float = ANSWER_SECONDS) -> Version | None:
    """The version that a command prints; None if it prints none, fails or doesn't end."""
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
            env={**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "1", "GOTOOLCHAIN": "local"},
        )
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None
    return parse(done.stdout) if done.returncode == 0 else None
