"""Writing a kit's archive: the same files always give the same bytes."""

from __future__ import annotations

import errno
import hashlib
import tarfile
from collections.abc import Iterator
from pathlib import Path

from kit.contents import CHECKSUMS, HEAD, SIGNATURE, checksums_text
from kit.errors import KitError


def digests(directory: Path) -> dict[str, str]:
    """File → SHA-256 of all that is to be in the kit, but for the checksums themselves."""
    found = {}
    for path in _files(directory):
        name = path.relative_to(directory).as_posix()
        if name not in (CHECKSUMS, SIGNATURE):
            with path.open("rb") as file:
                found[name] = hashlib.file_digest(file, "sha256").hexdigest()
    return found


def write_checksums(directory: Path) -> bytes:
    """Writes the checksums of all files into the directory; returns what they are."""
    content = checksums_text(digests(directory)).encode()
    (directory / CHECKSUMS).write_bytes(content)
    return content


def write(directory: Path, folder: str, modified: int, out: Path) -> None:
    """The directory's files as a tar of one folder: in one order, of one time (seconds since 1970),
    of nobody in particular. `out` is there whole, or as it was.

    Raises KitError if there is no room for it.
    """
    partial = out.with_name(f".{out.name}.partial")
    try:
        with tarfile.open(partial, "w", format=tarfile.GNU_FORMAT) as tar:
            for path in sorted(_files(directory), key=lambda each: _rank(directory, each)):
                entry = tarfile.TarInfo(f"{folder}/{path.relative_to(directory).as_posix()}")
                entry.size = path.stat().st_size
                entry.mtime = modified
                entry.mode = 0o755 if path.stat().st_mode & 0o100 else 0o644
                with path.open("rb") as content:
                    tar.addfile(entry, content)
        partial.replace(out)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise KitError(
                f"{out.parent} has no room for the kit. Make some, or name another place with"
                " --out. Nothing of it is left."
            ) from None
        raise KitError(f"{out} can't be written: {error.strerror}.") from None
    finally:
        partial.unlink(missing_ok=True)


def _rank(directory: Path, path: Path) -> tuple[int, str]:
    name = path.relative_to(directory).as_posix()
    return HEAD.index(name) if name in HEAD else len(HEAD), name


def _files(directory: Path) -> Iterator[Path]:
    return (path for path in directory.rglob("*") if path.is_file())
