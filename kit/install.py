"""`./install` of an unpacked kit: the standard library alone, and no network."""

from __future__ import annotations

import argparse
import errno
import platform
import shlex
import shutil
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from kit.contents import GLIBC, Description, this_platform
from kit.errors import KitError
from kit.place import Place
from kit.steps import Version, python_for
from kit.verify import Verified, verify

ROOM = 1.3
"""Chosen: what compiled modules and disks' blocks take besides the files themselves."""
FAILED, INTERRUPTED = 1, 130


def main(words: Sequence[str]) -> int:
    """The exit code: 0 installed, or was already · 1 refused or failed, as it says · 130."""
    options = _options(words)
    signal.signal(signal.SIGTERM, _interrupt)
    signal.signal(signal.SIGHUP, _interrupt)
    place = Place(Path(options.dir).expanduser().absolute())
    try:
        install(Path(options.kit), place, options)
    except KitError as error:
        print(f"install: {error}\n{_state(place)}", file=sys.stderr)
        return FAILED
    except OSError as error:
        print(f"install: {why(error, place)}.\n{_state(place)}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print(f"install: interrupted.\n{_state(place)}", file=sys.stderr)
        return INTERRUPTED
    return 0


def why(error: OSError, place: Place) -> str:
    """What went wrong with a file or a disk, and what to do where that is known."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"the disk of {place.directory} is full. Make room"
    return f"{error.filename or place.directory}: {error.strerror}"


def _options(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="./install",
        description="Installs exctl, the Pulumi CLI and its plugins into one directory. Needs no"
        " network, no root, no compiler. A second run changes nothing; a newer kit's upgrades, and"
        " keeps stacks, state and releases.",
    )
    parser.add_argument("--kit", help=argparse.SUPPRESS)
    parser.add_argument(
        "--dir", default="~/exec", metavar="DIR", help="where to install (default: ~/exec)"
    )
    parser.add_argument(
        "--signers", type=Path, metavar="FILE",
        help="who may have signed the kit: OpenSSH's allowed signers; without it any signature"
             " is accepted",
    )  # fmt: skip
    parser.add_argument(
        "--python",
        metavar="PROGRAM",
        help="which Python (default: one that fits the kit)",
    )
    parser.add_argument(
        "--downgrade", action="store_true", help="even if a newer version is installed"
    )
    return parser.parse_args(words)


def install(kit: Path, place: Place, options: argparse.Namespace) -> None:
    """Checks everything, then makes the version and lets `current` lead to it."""
    verified = verify(kit, options.signers)
    description = verified.description
    _check_whole(verified)
    _check_machine(description)
    python = python_for(description.pythons, options.python)
    if place.directory.resolve().is_relative_to(kit.resolve()):
        raise KitError(f"{place.directory} is in the kit itself. Name another one with --dir.")
    place.check()
    before = place.installed()
    if before is not None and before.age > description.age and not options.downgrade:
        raise KitError(
            f"{place.directory} has {before.name}, which is newer than this kit"
            f" ({description.name}). If you mean to go back: ./install --downgrade"
        )
    is_new = not place.directory.exists()
    version = Version(place.version(description))
    try:
        with place.alone():
            if before == description and version.is_whole():
                place.switch(description)
                _say(f"{description.name} is installed in {place.directory} already")
                return
            if not version.is_whole():
                _make(version, kit, python, description)
            _take_into_use(place, before, description)
    finally:
        if is_new and place.installed() is None:
            shutil.rmtree(place.directory, ignore_errors=True)


def _make(version: Version, kit: Path, python: str, description: Description) -> None:
    """Makes the version, or leaves nothing of it."""
    shutil.rmtree(version.directory, ignore_errors=True)  # of a run that was killed
    free = shutil.disk_usage(version.directory.parent).free
    needed = int(description.unpacked_bytes * ROOM)
    if free < needed:
        raise KitError(
            f"{version.directory.parent} has {free / 1e6:.0f} MB free, and {description.name} needs"
            f" {needed / 1e6:.0f} MB. Make room, or name another place with --dir."
        )
    _say(f"installing {description.name} with {python}; this takes a minute")
    try:
        version.make(kit, python)
    except BaseException:
        shutil.rmtree(version.directory, ignore_errors=True)
        raise


def _take_into_use(place: Place, before: Description | None, now: Description) -> None:
    shipped_before = place.shipped_project_file() if before is not None else None
    place.switch(now)
    if not place.take_project_file(shipped_before):
        _say(
            f"{place.directory}/Pulumi.yaml was changed here, and stays; the version's own is"
            " current/project/Pulumi.yaml"
        )
    kept = {now.name, *([before.name] if before is not None else [])}
    gone = place.forget_versions(*kept)
    if gone:
        _say(f"removed: {', '.join(gone)}")
    if before is not None:
        _say(f"{before.name} stays as well, for what still runs from it")
        _say(f"upgraded to {now.name}; stacks, state and releases are as they were")
    else:
        _say(f"{now.name} is installed in {place.directory}")
    where = shlex.quote(str(place.directory))
    _say(f"next: export PATH={where}/bin:$PATH; cd {where}; exctl init")


def _check_whole(verified: Verified) -> None:
    if verified.differences:
        lines = [f"  {each.kind}: {each.name}" for each in verified.differences]
        raise KitError(
            "\n".join(
                ["this kit isn't as it was built:", *lines, "Copy it again, and unpack it again."]
            )
        )
    by = f", signed by {verified.signer}" if verified.signer else ""
    if verified.key and not by:
        by = f", signed with {verified.key}; --signers FILE says whose that is"
    _say(f"{verified.description.name}: {verified.files} files as they were built{by}")


def _check_machine(description: Description) -> None:
    here = this_platform()
    if here != description.platform:
        raise KitError(
            f"this kit is for {description.platform}, and this machine is {here}. Build one on a"
            " machine of this kind."
        )
    library, version = platform.libc_ver()
    if library != "glibc":
        raise KitError("this kit needs the GNU C library, and Python here uses another.")
    if tuple(int(number) for number in version.split(".")[:2]) < GLIBC:
        oldest = ".".join(map(str, GLIBC))
        raise KitError(
            f"this system's C library is {version}; the kit needs {oldest} (RHEL 8, Debian 10)."
        )


def _state(place: Place) -> str:
    """What the directory is left with."""
    try:
        installed = place.installed()
    except KitError:
        return f"{place.directory} is as it was."
    if installed is None:
        return "Nothing was installed."
    return f"{installed.name} is installed in {place.directory}, and works as before."


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _say(line: str) -> None:
    print(f"install: {line}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
