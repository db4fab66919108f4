"""Whether a kit is what was built: every file of it against the checksums, and whose signature."""

from __future__ import annotations

import hashlib
import os
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

from kit import signature
from kit.contents import (
    CHECKSUMS,
    DESCRIPTION,
    HEAD,
    SIGNATURE,
    Description,
    checksums,
    described,
    description_in,
)
from kit.errors import KitError

BLOCK = 1 << 20


@dataclass(frozen=True)
class Difference:
    """A file of a kit that isn't as it was built."""

    name: str
    kind: Literal["changed", "missing", "extra"]


@dataclass(frozen=True)
class Verified:
    """What a look at all of a kit found. `signer`: whose valid signature it has, '' where nobody
    was named who may sign; `key` is the fingerprint of the key that signed, '' without one."""

    description: Description
    files: int
    differences: tuple[Difference, ...] = ()
    signer: str = ""
    key: str = ""

    @property
    def is_whole(self) -> bool:
        return not self.differences


def verify(path: Path, signers: Path | None = None) -> Verified:
    """Reads all of the kit, an archive or a directory.

    Raises KitError if it is no kit, ends in the middle, or its signature is not by one of
    `signers` (or, without those, not of this kit).
    """
    if not path.exists():
        raise KitError(f"there is no {path}.")
    found, texts = _read(path)
    if DESCRIPTION not in texts and CHECKSUMS not in texts:
        raise KitError(f"{path} isn't a kit: it has no {DESCRIPTION}. exctl kit build makes one.")
    for name in (DESCRIPTION, CHECKSUMS):
        if name not in texts:
            raise KitError(f"{path} isn't whole: {name} is missing. Copy the kit again.")
    sums = texts[CHECKSUMS]
    key, who = _signed(path, sums, texts.get(SIGNATURE), signers)
    wanted = checksums(sums.decode(errors="replace"), path)
    there = {name: digest for name, digest in found if name not in (CHECKSUMS, SIGNATURE)}
    names = [name for name, _ in found]
    differences = [
        *(Difference(n, "changed") for n in wanted.keys() & there.keys() if wanted[n] != there[n]),
        *(Difference(n, "missing") for n in wanted.keys() - there.keys()),
        *(Difference(n, "extra") for n in there.keys() - wanted.keys()),
        *(Difference(n, "extra") for n in set(names) if names.count(n) > 1),
    ]
    description = described(texts[DESCRIPTION].decode(errors="replace"), path)
    ordered = tuple(sorted(differences, key=lambda each: each.name))
    return Verified(description, len(wanted), ordered, who, key)


def _signed(
    path: Path, content: bytes, made: bytes | None, signers: Path | None
) -> tuple[str, str]:
    """The fingerprint and the name of who signed; empty for what isn't known."""
    if signers is not None and not signers.is_file():
        raise KitError(f"--signers: there is no file {signers}.")
    if made is None:
        if signers is None:
            return "", ""
        raise KitError(
            f"{path} isn't signed, and --signers requires a signature. Ask for a kit built with"
            " exctl kit build --key FILE, or leave --signers out."
        )
    text = made.decode(errors="replace")
    key = signature.key_of(text, content, signature.NAMESPACE)
    if key is None:
        raise KitError(
            f"{path}: the signature isn't of this kit: {CHECKSUMS} or {SIGNATURE} was changed."
            " Trust nothing in it; get the kit again from whoever built it."
        )
    if signers is None:
        return key, ""
    who = signature.signer(text, content, signers, signature.NAMESPACE)
    if who is None:
        raise KitError(
            f"{path} is signed with the key {key}, which belongs to nobody in {signers}. Ask"
            f" whoever built it for that key, separately from the kit."
        )
    return key, who


def _read(path: Path) -> tuple[list[tuple[str, str]], dict[str, bytes]]:
    """Each file (without the directory that all are in) with its SHA-256, and the small texts."""
    found: list[tuple[str, str]] = []
    texts: dict[str, bytes] = {}
    for name, stream in _files(path):
        digest = hashlib.sha256()
        kept = b""
        while data := stream.read(BLOCK):
            digest.update(data)
            kept = kept + data if name in HEAD else kept
        found.append((name, digest.hexdigest()))
        if name in HEAD:
            texts.setdefault(name, kept)
    return found, texts


def _files(path: Path) -> Iterator[tuple[str, IO[bytes]]]:
    try:
        yield from _of_directory(path) if path.is_dir() else _of_archive(path)
    except tarfile.TarError as error:
        raise KitError(
            f"{path} can't be read as a kit: {error}. It was cut or damaged on its way, or is"
            " something else: copy it again, and compare its size."
        ) from None
    except OSError as error:
        raise KitError(f"{error.filename or path} can't be read: {error.strerror}.") from None


def _of_directory(path: Path) -> Iterator[tuple[str, IO[bytes]]]:
    for folder, _, files in os.walk(path):
        for file in files:
            where = Path(folder, file)
            with where.open("rb") as stream:
                yield where.relative_to(path).as_posix(), stream


def _of_archive(path: Path) -> Iterator[tuple[str, IO[bytes]]]:
    if description_in(path) is None:
        raise KitError(
            f"{path} isn't a kit: it doesn't begin like one. exctl kit build makes kits; what was"
            " packed again must be unpacked first."
        )
    with tarfile.open(path, "r:") as tar:
        for member in tar:
            top, _, name = member.name.partition("/")
            content = tar.extractfile(member) if member.isfile() else None
            if content is not None:
                yield name or top, content
            elif not member.isdir():
                raise KitError(
                    f"{path} holds {member.name}, which isn't a file: a kit holds only files."
                )
