"""Where runs are kept: `releases/<stack>/audit.jsonl`, two lines a run, and beside it, in `runs/`,
a transcript of each.

The records belong in git with the releases: they say no more than those. A transcript quotes what
services, Docker and Pulumi said, redacted; it is for this user and group alone.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from exctl.errors import NothingTouched
from exctl.history import anchor, chain
from exctl.history.chain import Problem, Record
from exctl.history.run import Run, runs_of
from exctl.releases.store import directory_of
from exctl.rundir import run_directory
from exctl.site import StackPlace

FILE = "audit.jsonl"
DIRECTORY_MODE, RECORDS_MODE, TRANSCRIPT_MODE = 0o750, 0o664, 0o640
"""Chosen: whoever works in a clone together has a group for it; umask takes away what it must."""
ROOM_MIB = 16
"""Chosen: many times what a run's transcript, records, release and state take (under 1 MiB for 50
hosts)."""


@dataclass(frozen=True)
class History:
    """The runs of a stack, oldest first, the records that they are made of, and what is wrong with
    their file."""

    runs: tuple[Run, ...] = ()
    problems: tuple[Problem, ...] = ()
    records: tuple[Record, ...] = ()


def path_of(place: StackPlace) -> Path:
    return directory_of(place) / FILE


def transcript_of(place: StackPlace, run_id: str) -> Path:
    return directory_of(place) / "runs" / f"{run_id}.log"


def read(place: StackPlace) -> History:
    """Every run of the stack. Raises NothingTouched if the file can't be read."""
    path = path_of(place)
    try:
        lines = path.read_text("utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return History()
    except OSError as error:
        raise NothingTouched(f"{path} can't be read: {error.strerror}.") from None
    records, problems = chain.read(lines)
    return History(tuple(runs_of(records)), tuple(problems), tuple(records))


def transcript(place: StackPlace, run: Run) -> str:
    """What was said in a run; a sentence where that isn't there any more."""
    path = transcript_of(place, run.id)
    try:
        return path.read_text("utf-8", errors="replace")
    except OSError as error:
        return f"(its transcript {path} can't be read: {error.strerror})\n"


def append(place: StackPlace, content: Record) -> dict[str, Any]:
    """Adds a record, on the disk when this returns, and gives it; nothing of it is left if it
    fails.

    Raises NothingTouched if it can't be written.
    """
    path = path_of(place)
    try:
        with _locked(path) as file:
            text = file.read().decode(errors="replace")
            records, _ = chain.read(text.splitlines())
            known = anchor.read(place)
            last = known.written
            if known.writing in {record[chain.HASH] for record in records}:
                last = known.writing
            record = chain.sealed(content, records, known.clone, last)
            line = json.dumps(record, ensure_ascii=False) + "\n"
            # What a full disk or a kill has cut stays a line of its own, and is told of.
            begin = "\n" if text and not text.endswith("\n") else ""
            anchor.keep(place, anchor.Anchor(known.clone, last, record[chain.HASH]))
            _write(file, (begin + line).encode())
            anchor.keep(place, anchor.Anchor(known.clone, record[chain.HASH]))
            return record
    except OSError as error:
        raise _no_room(path, error) from None


def reserve(place: StackPlace) -> None:
    """Makes sure that there is room for what a run leaves, and gives it back at once.

    Raises NothingTouched if there isn't: a run must not find out in its middle.
    """
    for directory in (path_of(place).parent, run_directory(place.project)):
        try:
            directory.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=directory) as file:
                os.posix_fallocate(file.fileno(), 0, ROOM_MIB << 20)
        except OSError as error:
            raise _no_room(directory, error) from None


def _no_room(path: Path, error: OSError) -> NothingTouched:
    return NothingTouched(
        f"{path} can't be written: {error.strerror}. Every run is recorded there first, and needs"
        f" {ROOM_MIB} MiB for that and for its state."
    )


@contextmanager
def _locked(path: Path) -> Iterator[IO[bytes]]:
    path.parent.mkdir(parents=True, exist_ok=True)
    number = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, RECORDS_MODE)
    with os.fdopen(number, "r+b", buffering=0) as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # ends with the file
        yield file


def _write(file: IO[bytes], data: bytes) -> None:
    before = os.fstat(file.fileno()).st_size
    try:
        if file.write(data) != len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.fsync(file.fileno())
    except OSError:
        os.ftruncate(file.fileno(), before)
        raise


def open_transcript(place: StackPlace, run_id: str) -> IO[str]:
    """A new transcript, written line by line. Raises NothingTouched if it can't be made."""
    path = transcript_of(place, run_id)
    try:
        path.parent.mkdir(mode=DIRECTORY_MODE, parents=True, exist_ok=True)
        number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, TRANSCRIPT_MODE)
        return os.fdopen(number, "w", buffering=1, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise NothingTouched(f"{path} can't be written: {error.strerror}.") from None
