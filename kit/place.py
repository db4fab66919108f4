"""The directory that kits are installed into: what in it is the kit's, and what is the operator's.

versions/0.1.0-79afde8/   the program, its environment (.venv), the Pulumi CLI
current                   leads to the version in use: an upgrade is the change of this one link
bin/, .venv, …            lead there too
Pulumi.yaml               the kit's, unless the operator has changed it
Pulumi.prod.yaml, releases/, .exec/ and all else: the operator's, never touched
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from kit.contents import DESCRIPTION, Description, described
from kit.errors import KitError

PROJECT_FILE = "Pulumi.yaml"
STAMP = ".installed"
"""In a version that is whole."""
LINKS = {
    ".venv": "current/.venv",
    "__main__.py": "current/__main__.py",
    "Pulumi.example.yaml": "current/Pulumi.example.yaml",
    "fleet.example.yaml": "current/fleet.example.yaml",
    "README.md": "current/README.md",
    "docs": "current/docs",
    "share": "current/.venv/share",
    "uninstall": "current/kit/uninstall.sh",
    "bin/exctl": "../current/.venv/bin/exctl",
    "bin/pulumi": "../current/.venv/bin/pulumi",
}
"""Link → where it leads. `man` looks into share/man beside bin, where that is on PATH."""
_OPERATORS = ("Pulumi.*.yaml", "releases", ".exec")
"""By what a directory is known from which a kit was uninstalled."""


@dataclass(frozen=True)
class Place:
    """An installation's directory, whatever is in it."""

    directory: Path

    @property
    def versions(self) -> Path:
        return self.directory / "versions"

    @property
    def current(self) -> Path:
        return self.directory / "current"

    def version(self, description: Description) -> Path:
        return self.versions / description.name

    def installed(self) -> Description | None:
        """The version in use; None if there is none."""
        file = self.current / DESCRIPTION
        if not self.current.is_symlink() or not file.is_file():
            return None
        return described(file.read_text("utf-8"), self.directory)

    def check(self) -> None:
        """Raises KitError if the directory is something else's."""
        if self.current.is_symlink() or not self.directory.exists():
            return
        if not self.directory.is_dir():
            raise KitError(f"{self.directory} isn't a directory. Name another one with --dir.")
        there = {path.name for path in self.directory.iterdir()}
        ours = {name.partition("/")[0] for name in (*LINKS, PROJECT_FILE, "current")}
        is_left = any(any(self.directory.glob(each)) for each in _OPERATORS)
        if there - {"versions"} and (there & ours or not is_left):
            some = ", ".join(sorted(there)[:5])
            raise KitError(
                f"{self.directory} holds something else ({some}). A kit goes into a directory of"
                " its own: name another one with --dir."
            )

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Within, nobody else installs here, and no run of a stack begins.

        Raises KitError if one is under way.
        """
        with contextlib.ExitStack() as held:
            self.versions.mkdir(parents=True, exist_ok=True)
            busy = f"another installation into {self.directory} is under way; wait until it ends."
            held.enter_context(_locked(self.versions, busy))
            for lock in sorted(self.directory.glob(".exec/*.lock")):
                stack = lock.name.removesuffix(".lock")
                busy = (
                    f"a run of the stack {stack} is under way in {self.directory}; wait until it"
                    " ends."
                )
                held.enter_context(_locked(lock, busy))
            yield

    def switch(self, description: Description) -> None:
        """Lets everything lead to this version, at one moment."""
        _link(self.current, f"versions/{description.name}")
        for name, target in LINKS.items():
            (self.directory / name).parent.mkdir(exist_ok=True)
            _link(self.directory / name, target)

    def take_project_file(self, before: bytes | None) -> bool:
        """Puts the version's Pulumi.yaml in its place; False if the operator's own stays.

        `before`: the one of the version before, if there was one.
        """
        path = self.directory / PROJECT_FILE
        new = self.shipped_project_file()
        there = path.read_bytes() if path.exists() else None
        if there not in (None, before, new):
            return False
        if there != new:
            partial = path.with_name(f".{PROJECT_FILE}.partial")
            partial.write_bytes(new)
            partial.replace(path)
        return True

    def shipped_project_file(self) -> bytes:
        """The version's own Pulumi.yaml. Not at the top of the version: exctl takes the directory
        of Pulumi.yaml for the project, and that is where the stack files are."""
        return (self.current / "project" / PROJECT_FILE).read_bytes()

    def forget_versions(self, *kept: str) -> list[str]:
        """Removes all versions but these; the names of those that are gone."""
        old = sorted(path for path in self.versions.iterdir() if path.name not in kept)
        for path in old:
            shutil.rmtree(path)
        return [path.name for path in old]

    def remove(self) -> list[str]:
        """Removes all that is the kit's; the names of what is left, which is the operator's."""
        if self._has_shipped_project_file():
            (self.directory / PROJECT_FILE).unlink()
        for name in LINKS:
            path = self.directory / name
            if path.is_symlink():
                path.unlink()
        for compiled in self.directory.glob("__pycache__/__main__.*.pyc"):
            compiled.unlink()  # Pulumi's runs of the program leave it
        for name in ("bin", "__pycache__"):
            with contextlib.suppress(OSError):  # where the operator has put something there
                (self.directory / name).rmdir()
        self.current.unlink(missing_ok=True)
        shutil.rmtree(self.versions)
        left = sorted(path.name for path in self.directory.iterdir())
        if not left:
            self.directory.rmdir()
        return left

    def _has_shipped_project_file(self) -> bool:
        path = self.directory / PROJECT_FILE
        return path.is_file() and path.read_bytes() == self.shipped_project_file()


def _link(path: Path, target: str) -> None:
    new = path.with_name(f".{path.name}.new")
    new.unlink(missing_ok=True)
    new.symlink_to(target)
    new.replace(path)


@contextmanager
def _locked(path: Path, busy: str) -> Iterator[None]:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise KitError(busy) from None
    finally:
        os.close(descriptor)
