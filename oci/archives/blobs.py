"""The files in an archive, and its blobs by their digests."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from oci.archives.examine import TEXT_LIMIT_BYTES, Archive
from oci.archives.layers import Tee
from oci.archives.members import Member, source_at
from oci.archives.streams import BLOCK
from oci.manifest import digest_of

_BLOB = re.compile(r"(?:blobs/sha256/)?([0-9a-f]{64})")
"""As the OCI layout names them, and skopeo's directories."""


def files_of(archive: Archive) -> Iterator[tuple[str, Member]]:
    with source_at(archive.path, archive.chain) as source:
        for member in source.members():
            if member.is_file and member.name.startswith(archive.folder):
                yield member.name.removeprefix(archive.folder), member


def text_of(member: Member) -> bytes:
    if member.size > TEXT_LIMIT_BYTES:
        raise ValueError(
            f"{member.name} has {member.size / 1e6:.0f} MB, which is too much for an image's"
            f" metadata"
        )
    with member.opened() as content:
        return content.read()


def small_blobs(archive: Archive) -> dict[str, bytes]:
    """Manifests and configs by digest (and layers as small as they are)."""
    found: dict[str, bytes] = {}
    for digest, member in _each_blob(archive):
        if member.size < TEXT_LIMIT_BYTES:
            data = text_of(member)
            if digest_of(data) != digest:
                raise ValueError(f"{digest} isn't what it says")
            found[digest] = data
    return found


def blobs_in(archive: Archive, directory: Path, wanted: Mapping[str, Any]) -> dict[str, Path]:
    """These blobs in files, each compared with its hash."""
    found: dict[str, Path] = {}
    for digest, member in _each_blob(archive):
        if digest not in wanted:
            continue
        path = directory / f"layer-{len(found)}"
        with path.open("wb") as file, member.opened() as content:
            tee = Tee(file)
            shutil.copyfileobj(content, tee, BLOCK)
        if tee.hash.hexdigest() != digest.removeprefix("sha256:"):
            raise ValueError(f"{digest} isn't what it says")
        found[digest] = path
    return found


def _each_blob(archive: Archive) -> Iterator[tuple[str, Member]]:
    for name, member in files_of(archive):
        if match := _BLOB.fullmatch(name):
            yield f"sha256:{match[1]}", member
