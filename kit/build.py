"""Building a kit: on a machine that reaches the registries, from one commit."""

from __future__ import annotations

import gzip
import json
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from kit import archive, sbom, wheels
from kit.contents import (
    DESCRIPTION,
    IMAGES,
    INSTALLERS,
    PROGRAM,
    PULUMI,
    REQUIREMENTS,
    SBOM,
    SIGNATURE,
    WHEELS,
    Description,
    KitImage,
    this_platform,
)
from kit.errors import KitError
from kit.program import commit_of, version_of
from kit.signature import NAMESPACE, sign

Say = Callable[[str], None]
Fill = Callable[[Path], Sequence[KitImage]]
"""Brings the images wanted into a directory, and tells which they are."""


@dataclass(frozen=True)
class Wanted:
    """What is to be in a kit, and where it is to go. `pulumi` gives the CLI's file."""

    clone: Path
    out: Path | None
    pythons: tuple[str, ...]
    pulumi: Callable[[], Path]
    images: Fill
    key: Path | None = None


def build(wanted: Wanted, say: Say) -> tuple[Path, Description]:
    """The kit's file, and what it is. Raises KitError; nothing is left of a kit that failed."""
    commit = commit_of(wanted.clone)
    if wanted.key is not None:
        sign(b"", wanted.key, NAMESPACE)  # before minutes of work: can it?
    if commit.changed:
        say(
            f"warning: {commit.changed} changed files of this clone aren't in the kit: it holds the"
            f" commit {commit.revision[:7]}"
        )
    place = _directory(wanted.out)
    with tempfile.TemporaryDirectory(prefix=".exec-kit-", dir=place) as work:
        tree, kit = Path(work, "program"), Path(work, "kit")
        commit.unpack(tree)
        kit.mkdir()
        (kit / PROGRAM).write_bytes(commit.packed())
        _add_installer(tree, kit)
        say(f"fetching the wheels for Python {', '.join(wanted.pythons)}")
        (kit / WHEELS).mkdir()
        for python in wanted.pythons:
            for lock in (REQUIREMENTS, INSTALLERS):
                wheels.download(kit / lock, python, kit / WHEELS)
        pulumi = wanted.pulumi().read_bytes()
        (kit / PULUMI).write_bytes(gzip.compress(pulumi, 6, mtime=0))
        (kit / IMAGES).mkdir()
        images = tuple(sorted(wanted.images(kit / IMAGES), key=lambda each: each.file))
        description = Description(
            version_of(tree), commit.revision, commit.committed, this_platform(), wanted.pythons,
            len(pulumi) + len(commit.tar) + _unpacked(kit / WHEELS), images,
        )  # fmt: skip
        (kit / DESCRIPTION).write_text(description.text())
        _add_bill(kit, description, pulumi)
        content = archive.write_checksums(kit)
        if wanted.key is not None:
            (kit / SIGNATURE).write_text(sign(content, wanted.key, NAMESPACE))
        folder = f"exec-kit-{description.name}"
        out = wanted.out if wanted.out and not wanted.out.is_dir() else place / f"{folder}.tar"
        archive.write(kit, folder, commit.committed, out)
    return out, description


def _directory(out: Path | None) -> Path:
    """Where the kit goes to, and where it is put together: they are on one disk."""
    place = Path.cwd() if out is None else out if out.is_dir() else out.absolute().parent
    if not place.is_dir():
        raise KitError(f"--out: there is no directory {place}.")
    if out is not None and not out.is_dir() and out.suffix != ".tar":
        raise KitError(
            f"--out {out}: name a directory that is there, or a file that ends in .tar. A kit is a"
            " plain tar, which every machine unpacks; what is in it is compressed already."
        )
    return place


def _add_installer(tree: Path, kit: Path) -> None:
    """What runs on the other side, before anything is installed there."""
    shutil.copytree(tree / "kit", kit / "kit", ignore=shutil.ignore_patterns("*.txt", "*.in"))
    (kit / "kit/install.sh").rename(kit / "install")
    shutil.copy(tree / "docs/airgapped.md", kit / "README.md")
    shutil.copy(tree / "requirements.txt", kit / REQUIREMENTS)
    shutil.copy(tree / "kit/requirements.txt", kit / INSTALLERS)


def _add_bill(kit: Path, description: Description, pulumi: bytes) -> None:
    digests = archive.digests(kit)
    components = [
        *(
            sbom.of_wheel(kit / name, digest)
            for name, digest in sorted(digests.items())
            if name.startswith(f"{WHEELS}/")
        ),
        *sbom.of_go_program(pulumi, PULUMI, digests[PULUMI]),
        *(sbom.of_image(i.file, i.service, i.tag, digests[i.file]) for i in description.images),
    ]
    text = json.dumps(sbom.document(description, components), indent=1) + "\n"
    (kit / SBOM).write_text(text)


def _unpacked(directory: Path) -> int:
    """Bytes of all wheels, unpacked; those of other Pythons too, as room for compiled modules."""
    total = 0
    for path in directory.glob("*.whl"):
        with zipfile.ZipFile(path) as wheel:
            total += sum(entry.file_size for entry in wheel.infolist())
    return total
