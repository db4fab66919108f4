"""Streams of archives: what they are packed with, and how much of them went by."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import lzma
import sys
import tarfile
import zipfile
import zlib
from typing import IO, Any, Literal, cast

from oci.errors import ArchiveError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

BLOCK = 1 << 20
Packing = Literal["gzip", "bzip2", "xz", "zstd"]
_MAGIC: dict[bytes, Packing] = {
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\xfd7zXZ\x00": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
}
ZIP_MAGIC = b"PK\x03\x04"
_OTHERS = {
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"Rar!": "a RAR archive",
    b"\x7fELF": "a program",
    b"\xed\xab\xee\xdb": "an RPM package",
    b"!<arch>": "a Debian package",
    b"%PDF": "a PDF document",
}
_PACKED_AT_MOST = 3
"""Chosen: a download packed once more on its way is met; deeper is nobody's mistake."""
ZSTD_WINDOW_LOG = 31
"""What `zstd --long=31` needs to be read; without it, 27 is the most."""
END_OF_TAR = bytes(1024)
BROKEN = (
    tarfile.TarError, EOFError, gzip.BadGzipFile, zlib.error, lzma.LZMAError, zstd.ZstdError,
    zipfile.BadZipFile,
)  # fmt: skip


class _Reader(io.RawIOBase):
    """A stream as Python's buffers want it."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._stream.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


class CountingReader(_Reader):
    """Reads a stream, and keeps its hash, its size and its last bytes."""

    def __init__(self, stream: IO[bytes]) -> None:
        super().__init__(stream)
        self._hash = hashlib.sha256()
        self.size = 0
        self.tail = b""

    def readinto(self, buffer: Any) -> int:
        count = super().readinto(buffer)
        data = bytes(buffer[:count])
        self._hash.update(data)
        self.size += count
        self.tail = (self.tail + data)[-len(END_OF_TAR) :]
        return count

    @property
    def digest(self) -> str:
        return f"sha256:{self._hash.hexdigest()}"


def buffered(stream: IO[bytes] | io.RawIOBase) -> io.BufferedReader:
    """The stream as one that can be looked into without taking from it."""
    if isinstance(stream, io.BufferedReader):
        return stream
    raw = stream if isinstance(stream, io.RawIOBase) else _Reader(stream)
    return io.BufferedReader(raw, BLOCK)


def packing_of(stream: io.BufferedReader) -> Packing | None:
    """What it is packed with; None: with nothing known here."""
    begin = stream.peek(8)
    return next((kind for magic, kind in _MAGIC.items() if begin.startswith(magic)), None)


def unpacked(stream: IO[bytes]) -> tuple[io.BufferedReader, list[Packing]]:
    """The stream without what it is packed with, and that, outermost first."""
    found: list[Packing] = []
    inner = buffered(stream)
    while len(found) < _PACKED_AT_MOST and (kind := packing_of(inner)) is not None:
        found.append(kind)
        inner = buffered(_without(kind, inner))
    return inner, found


def _without(kind: Packing, stream: io.BufferedReader) -> IO[bytes]:
    match kind:
        case "gzip":
            return cast(IO[bytes], gzip.open(stream))
        case "bzip2":
            return cast(IO[bytes], bz2.open(stream))
        case "xz":
            return cast(IO[bytes], lzma.open(stream))
        case "zstd":
            most = {int(zstd.DecompressionParameter.window_log_max): ZSTD_WINDOW_LOG}
            return cast(IO[bytes], zstd.open(stream, options=most))


def check_is_tar(stream: io.BufferedReader, name: str) -> None:
    """Raises ArchiveError for what plainly isn't one, by what it begins with."""
    begin = stream.peek(512)[:512]
    if not begin:
        raise ArchiveError(f"{name} is an empty file: download it again")
    text = begin.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<!doctype html", b"<html", b"<?xml")):
        raise ArchiveError(
            f"{name} is a web page saved under this name (a login or an error page), not an"
            f" archive: download it again, logged in at the vendor's site"
        )
    for magic, what in _OTHERS.items():
        if begin.startswith(magic):
            raise ArchiveError(f"{name} is {what}, not an image archive")
    if all(byte in b"\t\r\n" or 32 <= byte < 127 for byte in begin):
        raise ArchiveError(
            f"{name} is a text file, not an archive: see what it says, and download it again"
        )
