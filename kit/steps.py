"""Making one version of the program from an unpacked kit, in the place where it will run."""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from kit.contents import DESCRIPTION, INSTALLERS, PROGRAM, PULUMI, REQUIREMENTS, WHEELS, unpack
from kit.errors import KitError
from kit.place import PROJECT_FILE, STAMP

PLUGINS = "plugins/bin/pulumi-*"


@dataclass(frozen=True)
class Version:
    """A version's directory, and its own Python."""

    directory: Path

    @property
    def environment(self) -> Path:
        return self.directory / ".venv"

    @property
    def python(self) -> Path:
        return self.environment / "bin/python"

    def is_whole(self) -> bool:
        """Whether it was made to its end, and still starts."""
        exctl = str(self.environment / "bin/exctl")
        try:
            _run([exctl, "--version"])
        except (KitError, OSError):
            return False
        return (self.directory / STAMP).exists()

    def make(self, kit: Path, python: str) -> None:
        """Makes it with this Python. KitError with the words of the program that failed."""
        self.directory.mkdir()
        with tarfile.open(kit / PROGRAM) as tar:
            unpack(tar, self.directory)
        shutil.copy(kit / DESCRIPTION, self.directory)
        (self.directory / "project").mkdir()
        (self.directory / PROJECT_FILE).rename(self.directory / "project" / PROJECT_FILE)
        # Without pip: Debian's Python brings none to put there, unless python3-venv is installed.
        _run([python, "-m", "venv", "--without-pip", str(self.environment)])
        self._install(kit)
        self._add_cli(kit)
        for plugin in self.directory.glob(PLUGINS):
            (self.environment / "bin" / plugin.name).symlink_to(plugin)
        _run([str(self.python), "-m", "exctl.cli.man", str(self.environment / "share/man")])
        (self.directory / STAMP).touch()

    def _install(self, kit: Path) -> None:
        (pip,) = (kit / WHEELS).glob("pip-*.whl")
        words = [str(self.python), str(pip / "pip"), "--quiet", "--disable-pip-version-check"]
        install = [*words, "install", "--no-cache-dir", "--no-index", "--no-warn-script-location"]
        found = ["--no-deps", "--require-hashes", "--find-links", str(kit / WHEELS)]
        for lock in (INSTALLERS, REQUIREMENTS):
            _run([*install, *found, "-r", str(kit / lock)])
        _run([*words, "check"])  # a lock file made under another Python may lack something
        # As scripts/setup does in a clone: a path to the modules, and the command exctl.
        own = ["--no-deps", "--no-build-isolation", "--config-settings", "editable_mode=compat"]
        _run([*install, *own, "--editable", str(self.directory)])
        _run([str(self.python), "-m", "compileall", "-q", "-x", r"/\.venv/", str(self.directory)])

    def _add_cli(self, kit: Path) -> None:
        path = self.environment / "bin/pulumi"
        with gzip.open(kit / PULUMI) as packed, path.open("wb") as file:
            shutil.copyfileobj(packed, file)
        path.chmod(0o755)


def _run(command: Sequence[str]) -> None:
    """Without what a shell may have set for other Pythons. Not where the kit is unpacked: `-m`
    would take modules from there, and leave compiled ones, which no checksum knows."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PIP_", "PYTHON"))}
    environment = {**kept, "PIP_CONFIG_FILE": os.devnull}
    run = subprocess.run(
        command,
        cwd="/",
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    if run.returncode:
        said = (run.stderr or run.stdout).decode(errors="replace").strip().splitlines()
        raise KitError(
            f"{Path(command[0]).name} {command[1]} ended with {run.returncode}:\n"
            + "\n".join(said[-5:])
        )


def python_for(pythons: Sequence[str], named: str | None) -> str:
    """The interpreter to install with: the one named, this one, or one on PATH that the kit has
    wheels for. KitError with what is here and what is wanted."""
    if named is not None:
        found = _version_of(named)
        if found not in pythons:
            raise KitError(
                f"--python {named} is {f'Python {found}' if found else 'no Python'}, and this kit"
                f" has wheels for {_and(pythons)}."
            )
        return str(Path(shutil.which(named) or named).absolute())
    own = f"{sys.version_info.major}.{sys.version_info.minor}"
    if own in pythons:
        return sys.executable
    for version in pythons:
        path = shutil.which(f"python{version}")
        if path is not None and _version_of(path) == version:
            return path
    raise KitError(
        f"this kit has wheels for Python {_and(pythons)}, and this machine has {own}"
        f" ({sys.executable}). Install one of those, or build the kit with --python {own}."
    )


def _version_of(python: str) -> str:
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    try:
        run = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return run.stdout.strip()


def _and(versions: Sequence[str]) -> str:
    return " and ".join(versions)
