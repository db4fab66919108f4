"""`.exec/`: what runs leave beside the program (state, locks, kept stack files), ignored by git."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from exctl import backend
from exctl.errors import NothingTouched

NAME = ".exec"
STATE = "state"
PULUMI = ".pulumi"
"""Pulumi's directory in that of the state."""
OTHERS = 0o007


def run_directory(project: Path) -> Path:
    """The directory, made for this user alone if it isn't there, with an older clone's state in it.

    One that a plain `pulumi up` or a copy has made is closed to other users; a group that was given
    it keeps it. Raises NothingTouched if it can't be made.
    """
    found = project / NAME
    try:
        if not found.exists():
            found.mkdir(mode=0o700)
            _take_over(project, found)
        (found / STATE).mkdir(mode=0o700, exist_ok=True)
        _take_over_state(project, found / STATE)
        _close(found)
    except OSError as error:
        raise NothingTouched(
            f"{found} can't be made ({error.strerror}); exctl keeps its locks there."
        ) from None
    return found


def _close(directory: Path) -> None:
    found = directory.stat()
    if found.st_mode & OTHERS and found.st_uid == os.geteuid():
        directory.chmod(stat.S_IMODE(found.st_mode) & ~OTHERS)


def lock_file(project: Path, stack: str) -> Path:
    """The file of a stack's run; it stays when nobody holds it: what counts is the flock on it."""
    return run_directory(project) / f"{stack}.lock"


def _take_over_state(project: Path, new: Path) -> None:
    """An older clone kept its state in `state/`. It stays there unless `new` is where Pulumi looks
    for it."""
    old = project / STATE / PULUMI
    if not old.is_dir() or (new / PULUMI).exists():
        return
    wanted = backend.directory(project)
    if wanted is not None and wanted.exists() and wanted.samefile(new):
        old.rename(new / PULUMI)


def _take_over(project: Path, new: Path) -> None:
    """An older clone kept copies of stack files, and its locks, beside the stack files."""
    for path in [*project.glob(".Pulumi.*.rotated.yaml"), *project.glob("Pulumi.*.yaml.failed")]:
        path.rename(new / path.name.lstrip("."))
    for path in [*project.glob(".Pulumi.*.lock"), *project.glob(".Pulumi.*.candidate.yaml")]:
        path.unlink()
