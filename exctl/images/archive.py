"""What the vendor ships: which kind of archive it is, and whether it is whole. Pure but for files.

An archive is read as a stream from its beginning to its end, never unpacked: the end of a gzip
stream holds a checksum of all before it, so a download that was cut is found before anything is
pushed.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import posixpath
import re
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Literal, cast

from exctl.errors import NothingTouched

Kind = Literal["root file system", "docker save archive", "OCI archive"]
BLOCK = 1 << 20
TEXT_LIMIT_BYTES = 4 << 20
GZIP_MAGIC = b"\x1f\x8b"
END_OF_TAR = bytes(1024)
SUFFIX = re.compile(r"\.(tar|tgz|tar\.gz)$")
_NAME = re.compile(r"(?P<service>[a-z]+)-(?P<tag>[0-9][A-Za-z0-9._-]*?)\.(?:tgz|tar\.gz|tar)")
_ROOTS = {"bin", "etc", "home", "lib", "opt", "root", "sbin", "srv", "usr", "var"}
_INDEXES = ("manifest.json", "index.json", "oci-layout")
BROKEN = (tarfile.TarError, EOFError, gzip.BadGzipFile, zlib.error)


def named(path: Path) -> tuple[str, str] | None:
    """Service and version by the file's name, as the vendor names it: `excs-100.0.100.11.tgz`."""
    found = _NAME.fullmatch(path.name)
    return (found["service"], found["tag"]) if found else None


@dataclass(frozen=True)
class Archive:
    """An archive that was read to its end.

    `digest` and `size` are the file's, `tar_digest` and `tar_size` those of the tar in it;
    `member` names the tar inside, where the image is in one that the archive merely wraps.
    """

    path: Path
    kind: Kind
    member: str | None
    digest: str
    size: int
    tar_digest: str
    tar_size: int
    is_gzip: bool
    newest: float
    texts: dict[str, Any] = field(default_factory=dict, repr=False)
    """The archive's own indexes, by name."""


@dataclass
class _Reader:
    """Reads a stream and keeps count of what went by."""

    stream: IO[bytes]
    size: int = 0
    tail: bytes = b""

    def __post_init__(self) -> None:
        self._hash = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data = self.stream.read(size)
        self._hash.update(data)
        self.size += len(data)
        self.tail = (self.tail + data)[-len(END_OF_TAR) :]
        return data

    def drain(self) -> None:
        while self.read(BLOCK):
            pass

    @property
    def digest(self) -> str:
        return f"sha256:{self._hash.hexdigest()}"


class _Raw(io.RawIOBase):
    """A reader as Python's buffers want it."""

    def __init__(self, reader: _Reader) -> None:
        self._reader = reader

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._reader.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


def uncompressed(stream: io.BufferedReader) -> tuple[IO[bytes], bool]:
    """The stream without its gzip, and whether it had one."""
    if stream.peek(2)[:2] == GZIP_MAGIC:
        return cast(IO[bytes], gzip.open(stream)), True
    return stream, False


def buffered(stream: IO[bytes]) -> io.BufferedReader:
    """The stream as one that can be looked into without taking from it."""
    return io.BufferedReader(_Raw(_Reader(stream)), BLOCK)


@contextmanager
def opened(path: Path, member: str | None) -> Iterator[IO[bytes]]:
    """The tar of an archive, or the tar that is its `member`, uncompressed."""
    with path.open("rb") as file:
        outer, _ = uncompressed(file)
        if member is None:
            yield outer
            return
        with tarfile.open(fileobj=outer, mode="r|") as tar:
            for entry in tar:
                if entry.name == member:
                    content = tar.extractfile(entry)
                    assert content is not None
                    yield uncompressed(buffered(content))[0]
                    return


def plain_name(name: str) -> str:
    """A member's name without `./` or `/` before it."""
    return posixpath.normpath("/" + name).lstrip("/")


def examined(path: Path) -> Archive:
    """The archive, read once to its end; twice, if it wraps a tar.

    Raises NothingTouched if it's damaged, cut, or nothing that holds one image.
    """
    try:
        return _examined(path, None)
    except OSError as error:
        if isinstance(error, BROKEN):
            raise _damaged(path, error) from None
        raise NothingTouched(f"{path} can't be read: {error.strerror or error}.") from None
    except BROKEN as error:
        raise _damaged(path, error) from None


def _damaged(path: Path, error: Exception) -> NothingTouched:
    return NothingTouched(
        f"{path.name} is damaged or was cut: {str(error).rstrip('.')}. Fetch it again and compare"
        " its size with the vendor's."
    )


def _examined(path: Path, member: str | None) -> Archive:
    with path.open("rb") as file:
        whole = _Reader(file)
        outer, is_gzip = uncompressed(io.BufferedReader(_Raw(whole), BLOCK))
        tar = _Reader(outer)
        if member is None:
            contents = _listed(tar)
            whole.drain()
        else:
            with opened(path, member) as inner:
                tar, is_gzip = _Reader(inner), False
                contents = _listed(tar)
            whole.drain()
    if not is_gzip and tar.tail != END_OF_TAR:
        raise EOFError("the tar has no end")
    kind, inside = _kind(path, contents)
    if inside is not None:
        if member is not None:
            raise NothingTouched(f"{path.name} holds {inside} inside {member}: unpack it once.")
        return _examined(path, inside)
    return Archive(
        path, kind, member, whole.digest, whole.size, tar.digest, tar.size, is_gzip,
        contents.newest, contents.texts,
    )  # fmt: skip


@dataclass
class _Contents:
    """What a look at a tar's members found."""

    tops: set[str] = field(default_factory=set)
    tars: list[str] = field(default_factory=list)
    texts: dict[str, Any] = field(default_factory=dict)
    newest: float = 0.0


def _listed(reader: _Reader) -> _Contents:
    """The contents of a tar, which is read to its end, past the last member."""
    found = _Contents()
    with tarfile.open(fileobj=io.BufferedReader(_Raw(reader), BLOCK), mode="r|") as tar:
        for entry in tar:
            name = plain_name(entry.name)
            found.newest = max(found.newest, entry.mtime)
            if name:
                found.tops.add(name.partition("/")[0])
            if entry.isfile() and SUFFIX.search(name) and name.count("/") < 2:
                found.tars.append(entry.name)
            if entry.isfile() and name in _INDEXES and entry.size < TEXT_LIMIT_BYTES:
                content = tar.extractfile(entry)
                found.texts[name] = _json(content.read() if content else b"")
            tar.members = []  # type: ignore[attr-defined]  # a stream's list would only grow
    reader.drain()
    return found


def _json(data: bytes) -> Any:
    try:
        return json.loads(data)
    except ValueError:
        return None


def _kind(path: Path, contents: _Contents) -> tuple[Kind, str | None]:
    """The kind, and the member that is to be looked into instead, if there is one."""
    manifest = contents.texts.get("manifest.json")
    if isinstance(manifest, list) and all(isinstance(m, dict) and "Layers" in m for m in manifest):
        if len(manifest) != 1:
            tags = [str(tag) for image in manifest for tag in image.get("RepoTags") or ["?"]]
            raise NothingTouched(
                f"{path.name} holds {len(manifest)} images ({', '.join(tags)}); make an archive of"
                " each: docker save IMAGE."
            )
        return "docker save archive", None
    if "oci-layout" in contents.texts and isinstance(contents.texts.get("index.json"), dict):
        return "OCI archive", None
    tars = [name for name in contents.tars if not plain_name(name).endswith("layer.tar")]
    if tars and not contents.tops & _ROOTS:
        if len(tars) > 1:
            raise NothingTouched(
                f"{path.name} holds {len(tars)} archives ({', '.join(tars)}); unpack it and load"
                " the one that is meant."
            )
        return "root file system", tars[0]
    if not contents.tops:
        raise NothingTouched(f"{path.name} is empty.")
    return "root file system", None
