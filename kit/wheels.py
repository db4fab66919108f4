"""The wheels of a kit: what the lock files name, for this platform and the Pythons wanted."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from packaging.markers import Marker

from kit.contents import GLIBC, this_platform
from kit.errors import KitError

OLDEST_PYTHON = (3, 11)
_ENTRY = re.compile(r"^(?P<pin>[A-Za-z0-9][^\s;]*)\s*(?:;\s*(?P<marker>[^\\\n]+?))?\s*\\$")


def checked(pythons: str) -> tuple[str, ...]:
    """`3.11,3.12` as versions, sorted. Raises KitError for what is none, or too old."""
    found = []
    for word in pythons.split(","):
        match = re.fullmatch(r"3\.(\d+)", word.strip())
        if match is None or (3, int(match[1])) < OLDEST_PYTHON:
            raise KitError(
                f"--python {word.strip() or '(nothing)'}: give versions such as 3.11,3.12, of"
                f" Python {OLDEST_PYTHON[0]}.{OLDEST_PYTHON[1]} or newer."
            )
        found.append((3, int(match[1])))
    return tuple(f"{major}.{minor}" for major, minor in sorted(set(found)))


def download(lock: Path, python: str, to: Path) -> None:
    """Fetches the wheels of a lock file, each compared with its hash there.

    Raises KitError with pip's own words if a registry can't be reached or has no such wheel.
    """
    wanted = to.with_name(f"{to.name}-{python}.txt")
    wanted.write_text("".join(entries_for(lock.read_text(), python)))
    command = [
        *(sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"),
        *("--no-deps", "--require-hashes", "--only-binary=:all:"),
        *("--implementation", "cp", "--python-version", python),
        *(word for tag in tags() for word in ("--platform", tag)),
        *("--dest", str(to), "-r", str(wanted)),
    ]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    wanted.unlink()
    if run.returncode:
        said = [line for line in run.stderr.splitlines() if line.strip()]
        why = "\n".join(said[-3:]) or "pip says nothing"
        raise KitError(
            f"the wheels for Python {python} can't be fetched from {lock.name}:\n{why}\nCan this"
            f" machine reach a package registry? Is there a wheel for that Python? No kit"
            " was made."
        )


def tags() -> Iterator[str]:
    """This platform's names for wheels that run on any Linux that isn't older than GLIBC."""
    machine = this_platform().partition("/")[2]
    yield from (f"manylinux_{GLIBC[0]}_{minor}_{machine}" for minor in range(GLIBC[1], 4, -1))
    yield from (f"{name}_{machine}" for name in ("manylinux2014", "manylinux2010", "manylinux1"))
    yield f"linux_{machine}"


def entries_for(lock: str, python: str) -> Iterator[str]:
    """The lines of a lock file that count for a Python, without their markers: pip would judge
    those by the Python that it runs in."""
    full = {"python_version": python, "python_full_version": f"{python}.0"}
    is_wanted = True
    for line in lock.splitlines(keepends=True):
        if match := _ENTRY.match(line.rstrip("\n")):
            marker = match["marker"]
            is_wanted = marker is None or Marker(marker).evaluate({**full, "extra": ""})
            line = f"{match['pin']} \\\n"
        if is_wanted:
            yield line
