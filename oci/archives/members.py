"""What is in an archive, whatever wraps it: a tar packed by anything, a zip, a directory; and an
archive inside of those."""

from __future__ import annotations

import io
import os
import posixpath
import tarfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

from oci.archives.streams import (
    BLOCK,
    END_OF_TAR,
    ZIP_MAGIC,
    CountingReader,
    Packing,
    buffered,
    check_is_tar,
    unpacked,
)
from oci.errors import ArchiveError

Wrapping = Literal["tar", "zip", "directory"]


@dataclass(frozen=True)
class Member:
    """A file, a link or anything else in an archive; `name` without `./` or `/` before it, `link`
    the name that a link leads to."""

    name: str
    is_file: bool
    size: int = 0
    link: str | None = None
    modified: float = 0.0
    opened: Callable[[], IO[bytes]] = io.BytesIO


class Source:
    """An archive to be read once, from its beginning to its end."""

    wrapping: Wrapping
    packings: Sequence[Packing] = ()

    def members(self) -> Iterator[Member]:
        raise NotImplementedError


class TarSource(Source):
    """A tar. After all of its members, `packed` and `tar` have the digest and size of what was
    read, as it stands and unpacked."""

    wrapping = "tar"

    def __init__(self, stream: IO[bytes], name: str) -> None:
        self.packed = CountingReader(stream)
        inner, self.packings = unpacked(buffered(self.packed))
        check_is_tar(inner, name)
        self.tar = CountingReader(inner)
        self.stream = buffered(self.tar)
        self._name = name

    def members(self) -> Iterator[Member]:
        """Each of them; EOFError or ArchiveError after the last one if it isn't the last."""
        last = tarfile.TarInfo()
        with tarfile.open(fileobj=_Finite(self.stream), mode="r|") as tar:
            try:
                for last in tar:
                    yield _tar_member(tar, last)
                    tar.members = []  # type: ignore[attr-defined]  # it would only grow
            except tarfile.ReadError:
                if self.tar.size >= last.offset_data + last.size:
                    raise
                raise EOFError(
                    f"{last.name} is to have {last.size / 1e6:.1f} MB, but the archive ends after"
                    f" {self.tar.size / 1e6:.1f} MB"
                ) from None
            # What a damaged header hides begins after what looked like the end.
            assert tar.fileobj is not None
            while data := tar.fileobj.read(BLOCK):
                if data.strip(b"\0"):
                    raise EOFError(f"what follows {last.name} isn't a tar")
        if not self.packings and self.tar.tail != END_OF_TAR:
            raise EOFError("the tar has no end")


class _Finite(io.RawIOBase):
    """A stream that doesn't end for ever: tarfile goes past what a header claims block by block,
    and at 20 GB that aren't there would be at it for half a minute."""

    def __init__(self, stream: IO[bytes]) -> None:
        super().__init__()
        self._stream = stream
        self._empty = 0

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size)
        self._empty = 0 if data else self._empty + 1
        if self._empty > 100:
            raise tarfile.ReadError("unexpected end of data")
        return data


def _tar_member(tar: tarfile.TarFile, entry: tarfile.TarInfo) -> Member:
    name = plain_name(entry.name)
    link = None
    if entry.issym():
        link = plain_name(posixpath.join(posixpath.dirname(name), entry.linkname))
    elif entry.islnk():
        link = plain_name(entry.linkname)

    def opened() -> IO[bytes]:
        content = tar.extractfile(entry)
        assert content is not None
        return content

    return Member(name, entry.isfile(), entry.size, link, entry.mtime, opened)


class ZipSource(Source):
    wrapping = "zip"

    def __init__(self, path: Path) -> None:
        self._path = path

    def members(self) -> Iterator[Member]:
        with zipfile.ZipFile(self._path) as packed:
            for entry in packed.infolist():
                if entry.flag_bits & 1:
                    raise ArchiveError(f"{self._path.name} is encrypted: unpack it first")
                name = plain_name(entry.filename)

                def opened(of: zipfile.ZipInfo = entry) -> IO[bytes]:
                    return packed.open(of)

                yield Member(name, not entry.is_dir(), entry.file_size, opened=opened)


class DirectorySource(Source):
    wrapping = "directory"

    def __init__(self, path: Path) -> None:
        self._path = path

    def members(self) -> Iterator[Member]:
        for directory, folders, files in os.walk(self._path):
            folders.sort()
            here = Path(directory)
            for name in sorted([*files, *folders]):
                path = here / name
                shown = path.relative_to(self._path).as_posix()
                if path.is_symlink():
                    target = posixpath.join(posixpath.dirname(shown), str(path.readlink()))
                    yield Member(shown, False, link=plain_name(target))
                else:
                    size = path.stat().st_size
                    yield Member(shown, path.is_file(), size, opened=_opener(path))


def _opener(path: Path) -> Callable[[], IO[bytes]]:
    return lambda: path.open("rb")


@contextmanager
def source_at(path: Path, chain: Sequence[str]) -> Iterator[Source]:
    """The archive, or the one inside it that the members named in `chain` lead to."""
    if not chain:
        with _outermost(path) as source:
            yield source
        return
    with source_at(path, chain[:-1]) as outer:
        for member in outer.members():
            if member.name == chain[-1]:
                with member.opened() as content:
                    stream = buffered(content)
                    if stream.peek(4).startswith(ZIP_MAGIC):
                        raise ArchiveError(f"{path.name} holds the zip {chain[-1]}: unpack it once")
                    yield TarSource(stream, f"{path.name}/{chain[-1]}")
                return
    raise ArchiveError(f"{path.name} has no {chain[-1]} any more")


@contextmanager
def _outermost(path: Path) -> Iterator[Source]:
    if path.is_dir():
        yield DirectorySource(path)
        return
    with path.open("rb") as file:
        begin = file.read(4)
        file.seek(0)
        if begin == ZIP_MAGIC:
            yield ZipSource(path)
        else:
            yield TarSource(file, path.name)


def plain_name(name: str) -> str:
    """A member's name without `./` or `/` before it."""
    return posixpath.normpath("/" + name).lstrip("/")
