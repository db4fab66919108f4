"""Files: UTF-8 in every locale, and whole at any moment."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

from exctl.errors import NothingTouched


def read(path: Path) -> str:
    """The text of a file, without a byte order mark. NothingTouched if it can't be read."""
    try:
        return path.read_text("utf-8-sig")
    except OSError as error:
        why = error.strerror
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        why = f"line {line} isn't UTF-8; save it as UTF-8"
    raise NothingTouched(f"{path} can't be read: {why}.") from None


def sha256_of(path: Path) -> str:
    """Of a file's bytes, hexadecimal; '' if there is none that can be read."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""


def refuse_unwritable(path: Path) -> None:
    """NothingTouched if `write` will fail, for a command that works long before it writes."""
    parent = path.absolute().parent
    if not parent.is_dir():
        raise NothingTouched(f"{parent} isn't a directory.")
    if path.is_dir():
        raise NothingTouched(f"{path} is a directory; name a file.")
    if not os.access(parent, os.W_OK):
        raise NothingTouched(f"{parent} can't be written to.")


def write(path: Path, content: str | bytes, mode: int | None = None) -> None:
    """Puts the content in the file's place, at once: there is the old file or the new one, never a
    part of one, and nothing beside it if that fails.

    `mode` is that of a new file, 0644 if it's None; an old file keeps its own. Raises
    NothingTouched with the reason: no such directory, no room, no permission.
    """
    path = path.resolve()
    data = content.encode() if isinstance(content, str) else content
    partial = ""
    try:
        if path.exists() and not path.is_file():  # /dev/stdout, a pipe
            path.write_bytes(data)
            return
        if path.exists():
            mode = path.stat().st_mode & 0o777
        number, partial = tempfile.mkstemp(".partial", f".{path.name}.", path.parent)
        with os.fdopen(number, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
            os.fchmod(file.fileno(), 0o644 if mode is None else mode)
        Path(partial).replace(path)
    except OSError as error:
        why = error.strerror if path.parent.is_dir() else f"{path.parent} isn't a directory"
        raise NothingTouched(f"{path} can't be written: {why}.") from None
    finally:
        if partial:
            Path(partial).unlink(missing_ok=True)
