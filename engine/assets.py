"""Hashes of assets and archives, the same as the CLI computes.

An asset's is the sha256 of its bytes; that of an archive file likewise; that of a directory or of
a map the sha256 of an uncompressed tar stream that Python's own tarfile writes otherwise (device
fields, padding at the end), so it is put together here.
"""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from engine.values import Archive, Asset, Value, rebuild

ARCHIVE_SUFFIXES = (".tar", ".tgz", ".tar.gz", ".zip", ".jar")


class AssetError(Exception):
    """An asset or archive that can't be read or isn't supported."""


def asset_bytes(asset: Asset, base: Path) -> bytes:
    """The asset's content; a relative path is under `base`, the program's directory."""
    if asset.text is not None:
        return asset.text.encode()
    if asset.path is not None:
        try:
            return (base / asset.path).read_bytes()
        except OSError as error:
            raise AssetError(f"asset {asset.path}: {error.strerror}") from error
    raise AssetError(f"asset {asset.uri}: this engine takes texts and files, not addresses")


def archive_entries(archive: Archive, base: Path) -> Iterator[tuple[str, bytes]]:
    """Names with `/` and contents, in the order of the hash."""
    if archive.assets is not None:
        for key in sorted(archive.assets):
            item = archive.assets[key]
            if isinstance(item, Asset):
                yield key, asset_bytes(item, base)
            else:
                for name, content in archive_entries(item, base):
                    yield f"{key}/{name}", content
    elif archive.path is None:
        raise AssetError(f"archive {archive.uri}: this engine takes files, not addresses")
    elif (base / archive.path).is_dir():
        yield from _directory_entries(base / archive.path)
    else:
        yield from _file_entries(base / archive.path)


def _directory_entries(root: Path, prefix: str = "") -> Iterator[tuple[str, bytes]]:
    for entry in sorted(os.scandir(root), key=lambda e: e.name):
        if entry.name == ".pulumi" or (entry.is_symlink() and Path(entry.path).is_dir()):
            continue
        if entry.is_dir():
            yield from _directory_entries(Path(entry.path), f"{prefix}{entry.name}/")
        else:
            yield prefix + entry.name, Path(entry.path).read_bytes()


def _file_entries(path: Path) -> Iterator[tuple[str, bytes]]:
    if path.suffix in (".zip", ".jar"):
        with zipfile.ZipFile(path) as zipped:
            for name in zipped.namelist():
                if not name.endswith("/"):
                    yield name, zipped.read(name)
        return
    with tarfile.open(path) as tar:
        for member in tar:
            content = tar.extractfile(member)
            if content is not None:
                yield member.name, content.read()


def hash_archive(archive: Archive, base: Path) -> str:
    """Hex sha256: of the bytes of an archive file, else of the tar stream of its entries."""
    if archive.path is not None and not (base / archive.path).is_dir():
        if not archive.path.endswith(ARCHIVE_SUFFIXES):
            kinds = ", ".join(ARCHIVE_SUFFIXES)
            raise AssetError(f"archive {archive.path}: not a directory and not one of {kinds}")
        try:
            return hashlib.sha256((base / archive.path).read_bytes()).hexdigest()
        except OSError as error:
            raise AssetError(f"archive {archive.path}: {error.strerror}") from error
    digest = hashlib.sha256()
    for name, content in archive_entries(archive, base):
        digest.update(_tar_header(name, len(content)))
        digest.update(content + b"\0" * (-len(content) % 512))
    digest.update(b"\0" * 1024)
    return digest.hexdigest()


def _tar_header(name: str, size: int) -> bytes:
    encoded, prefix = name.encode(), b""
    if len(encoded) > 100:
        cut = encoded.find(b"/", max(0, len(encoded) - 101))
        if cut <= 0 or cut > 155:
            raise AssetError(f"archive entry {name}: a name this long isn't supported")
        prefix, encoded = encoded[:cut], encoded[cut + 1 :]
    header = io.BytesIO()
    header.write(encoded.ljust(100, b"\0"))
    header.write(b"0000600\00000000\00000000\0")
    header.write(b"%011o\0" % size + b"00000000000\0")
    header.write(b" " * 8 + b"0" + b"\0" * 100 + b"ustar\000")
    header.write(b"\0" * 64 + b"0000000\00000000\0")
    header.write(prefix.ljust(155, b"\0") + b"\0" * 12)
    block = header.getvalue()
    return block[:148] + b"%06o\0 " % sum(block) + block[156:]


def hashed(value: Value, base: Path) -> Value:
    """The same tree with the hash of every asset and archive filled in."""

    def leaf(item: Value) -> Value:
        if isinstance(item, Asset) and not item.hash:
            return replace(item, hash=hashlib.sha256(asset_bytes(item, base)).hexdigest())
        if isinstance(item, Archive) and not item.hash:
            return replace(item, hash=hash_archive(item, base))
        return item

    return rebuild(value, leaf)
