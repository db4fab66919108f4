"""What is in a kit and where: read from an archive or a directory, before anything is installed.

A kit is a plain tar of one directory, whose files are compressed already. `kit.json` comes first in
it, so that what it is can be told without reading the rest.
"""

from __future__ import annotations

import json
import platform
import re
import tarfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from kit.errors import KitError

FORMAT = 1
DESCRIPTION, CHECKSUMS, SIGNATURE = "kit.json", "SHA256SUMS", "SHA256SUMS.sig"
HEAD = (DESCRIPTION, CHECKSUMS, SIGNATURE)
"""What says what a kit is: first in its archive, and small."""
PROGRAM, PULUMI, SBOM = "program.tar.gz", "pulumi.gz", "sbom.cdx.json"
WHEELS, IMAGES = "wheels", "images"
REQUIREMENTS, INSTALLERS = "requirements.txt", "installers.txt"
"""The lock files of what runs, and of what installs it."""
GLIBC = (2, 28)
"""Chosen: the oldest C library that the wheels are taken for: that of RHEL 8 and Debian 10."""
_LINE = re.compile(r"([0-9a-f]{64})  (\S.*)")
_DESCRIPTION_LIMIT_BYTES = 1 << 20


@dataclass(frozen=True)
class KitImage:
    """An image in the kit: its file there, and what it is."""

    file: str
    service: str
    tag: str


@dataclass(frozen=True)
class Description:
    """What a kit says of itself. `committed`: seconds since 1970; it orders kits of one version."""

    version: str
    revision: str
    committed: int
    platform: str
    pythons: tuple[str, ...]
    unpacked_bytes: int
    images: tuple[KitImage, ...] = ()

    @property
    def name(self) -> str:
        """`0.1.0-79afde8`: of its directories."""
        return f"{self.version}-{self.revision[:7]}"

    @property
    def age(self) -> tuple[tuple[int, ...], int]:
        """Compares: what is newer is greater."""
        return tuple(int(number) for number in re.findall(r"\d+", self.version)), self.committed

    def text(self) -> str:
        """As `kit.json`."""
        return json.dumps({"format": FORMAT, **asdict(self)}, indent=1, sort_keys=True) + "\n"


def this_platform() -> str:
    """`linux/x86_64`, of this machine."""
    return f"{platform.system().lower()}/{platform.machine()}"


def described(text: str, place: Path) -> Description:
    """What `kit.json` says. Raises KitError if it is none of ours, or of a later format."""
    try:
        said: Mapping[str, Any] = json.loads(text)
        if said["format"] != FORMAT:
            raise KitError(
                f"{place} is a kit of format {said['format']}, and this program reads format"
                f" {FORMAT}: use the kit's own ./install and exctl."
            )
        values = {key: value for key, value in said.items() if key != "format"}
        images = tuple(KitImage(**each) for each in values.pop("images"))
        return Description(**{**values, "pythons": tuple(values["pythons"])}, images=images)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise KitError(f"{place}: {DESCRIPTION} can't be read ({error}).") from None


def description_in(path: Path) -> Description | None:
    """What the kit at `path` (an archive, or a directory) is; None if it's something else.

    Raises KitError for a kit that can't be read.
    """
    if path.is_dir():
        file = path / DESCRIPTION
        return described(file.read_text("utf-8"), path) if file.is_file() else None
    try:
        with tarfile.open(path, "r:") as tar:
            first = tar.next()
            if first is None or not first.isfile() or first.size > _DESCRIPTION_LIMIT_BYTES:
                return None
            if first.name.partition("/")[2] != DESCRIPTION:
                return None
            content = tar.extractfile(first)
            return described(content.read().decode(), path) if content else None
    except (tarfile.TarError, OSError, UnicodeDecodeError):
        return None


def folder_of(path: Path) -> str:
    """The directory, with its slash, that all of an archive's files are in."""
    with tarfile.open(path, "r:") as tar:
        first = tar.next()
    assert first is not None
    return first.name.partition("/")[0] + "/"


def checksums_text(digests: Mapping[str, str]) -> str:
    """As `sha256sum` writes them, and checks them with -c; sorted."""
    return "".join(f"{digest}  {name}\n" for name, digest in sorted(digests.items()))


def checksums(text: str, place: Path) -> dict[str, str]:
    """File → SHA-256. Raises KitError for a line that is none."""
    found = {}
    for number, line in enumerate(text.splitlines(), 1):
        match = _LINE.fullmatch(line)
        if match is None:
            raise KitError(f"{place}: line {number} of {CHECKSUMS} isn't a checksum.")
        found[match[2]] = match[1]
    return found


def unpack(tar: tarfile.TarFile, to: Path) -> None:
    """Unpacks a tar, and nothing beside the directory, where Python can hold it to that."""
    tar.extraction_filter = getattr(tarfile, "data_filter", None)
    tar.extractall(to)
