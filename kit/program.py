"""The program of a kit: what one commit holds, apart from its tests."""

from __future__ import annotations

import gzip
import io
import os
import re
import subprocess
import tarfile
import tomllib
from dataclasses import dataclass
from pathlib import Path

from kit.contents import unpack
from kit.errors import KitError

LEFT_OUT = (":(exclude)tests", ":(exclude).ci")


@dataclass(frozen=True)
class Commit:
    """What is built: its full id, when it was made (seconds since 1970), how many files of the
    clone differ from it, and its files, as a tar."""

    revision: str
    committed: int
    changed: int
    tar: bytes

    def unpack(self, to: Path) -> None:
        with tarfile.open(fileobj=io.BytesIO(self.tar)) as tar:
            unpack(tar, to)

    def packed(self) -> bytes:
        """The same bytes each time."""
        return gzip.compress(self.tar, 6, mtime=0)


def commit_of(clone: Path) -> Commit:
    """The commit that a clone stands at. Raises KitError if this isn't one, or git can't be run."""
    if not (clone / ".git").exists() and "GIT_DIR" not in os.environ:
        raise KitError(
            f"a kit is built in a clone, and {clone} isn't one: git clone the program,"
            f" scripts/setup"
            " --without-lab there, then exctl kit build."
        )
    git = ("-c", "tar.umask=0022")
    revision = _git(clone, "rev-parse", "HEAD").decode().strip()
    return Commit(
        revision=revision,
        committed=int(_git(clone, "show", "--no-patch", "--format=%ct", revision)),
        changed=len(_git(clone, "status", "--porcelain").splitlines()),
        tar=_git(clone, *git, "archive", "--format=tar", revision, "--", ".", *LEFT_OUT),
    )


def version_of(program: Path) -> str:
    """The version that the program's pyproject.toml says; numbers and dots, so that it compares."""
    said = tomllib.loads((program / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    version = str(said)
    if re.fullmatch(r"\d+(\.\d+)*", version) is None:
        raise KitError(f"pyproject.toml: the version {version!r} isn't numbers with dots between.")
    return version


def _git(clone: Path, *arguments: str) -> bytes:
    try:
        run = subprocess.run(
            ["git", "-C", str(clone), *arguments], capture_output=True, check=False
        )
    except OSError as error:
        raise KitError(f"git can't be run: {error.strerror}; install it.") from None
    if run.returncode:
        why = run.stderr.decode(errors="replace").strip()
        raise KitError(f"git {arguments[0]} in {clone}: {why}")
    return run.stdout
