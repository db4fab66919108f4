"""A rollout: one change for all stacks, and what became of each so far. On the disk in
`.exec/fleet/<id>.json`, written whole before and after each step of it."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from exctl import files
from exctl.errors import NothingTouched
from exctl.fleet.schedule import BAD, Outcome, Wave
from exctl.rundir import run_directory
from stack.text import time_text

DIRECTORY = "fleet"


@dataclass
class StackRun:
    """One stack's part. `words` are those of its own exctl command; `change` says what it means;
    `left_out` why there is none. `file_sha256` is the stack file's when it was planned, the
    releases are the last ones before and after, `pid` and `began` the process's."""

    stack: str
    hosts: tuple[str, ...]
    words: tuple[str, ...]
    change: str
    file_sha256: str
    outcome: Outcome = Outcome.WAITING
    reason: str = ""
    release_before: int | None = None
    release_after: int | None = None
    exit_code: int | None = None
    pid: int = 0
    began: str = ""
    ended: str = ""


@dataclass
class Rollout:
    """`command` is the fleet's, with its words: `("update", "excp", "--tag", "2")`. `only`: the
    stacks that were named. `takes_back`: the id of the rollout that this one is the way back of.
    `is_over`: every wave has ended. `plans`: the directory of the approved plans, '' for none."""

    id: str
    at: str
    by: str
    why: str
    command: tuple[str, ...]
    waves: tuple[Wave, ...]
    stacks: dict[str, StackRun]
    approved: list[str] = field(default_factory=list)
    baked: list[str] = field(default_factory=list)
    only: tuple[str, ...] = ()
    takes_back: str = ""
    is_over: bool = False
    plans: str = ""

    @property
    def outcomes(self) -> dict[str, Outcome]:
        return {name: run.outcome for name, run in self.stacks.items()}

    @property
    def hosts(self) -> dict[str, frozenset[str]]:
        return {name: frozenset(run.hosts) for name, run in self.stacks.items()}

    def of(self, *outcomes: Outcome) -> list[StackRun]:
        return [run for run in self.stacks.values() if run.outcome in outcomes]

    @property
    def failed(self) -> list[StackRun]:
        return self.of(*BAD)


_READER = TypeAdapter(Rollout)


def new_id() -> str:
    """`20261126T024107Z-a1b2`."""
    return f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{secrets.token_hex(2)}"


def directory_of(project: Path) -> Path:
    """Where rollouts are kept, made if it isn't there."""
    found = run_directory(project) / DIRECTORY
    found.mkdir(mode=0o700, exist_ok=True)
    return found


def save(project: Path, rollout: Rollout) -> None:
    """Raises NothingTouched if there is no room for it."""
    content = json.dumps(json.loads(_READER.dump_json(rollout)), indent=1)
    files.write(directory_of(project) / f"{rollout.id}.json", content, 0o600)


def load(project: Path, name: str) -> Rollout:
    """Raises NothingTouched if there is no such rollout, or its file can't be read."""
    path = directory_of(project) / f"{name}.json"
    try:
        return _READER.validate_json(files.read(path))
    except ValidationError as error:
        raise NothingTouched(
            f"{path} isn't the state of a rollout any more ({error.error_count()} problems)."
            f" Status of each stack: exctl fleet status; who did what: exctl audit --rollout {name}"
        ) from None


def last(project: Path) -> Rollout | None:
    """The latest rollout; None if there was none. Of two that began in one second it's the one that
    was written last: the first was over by then."""

    def when(path: Path) -> tuple[str, int]:
        return path.stem.partition("-")[0], path.stat().st_mtime_ns

    latest = max(directory_of(project).glob("*.json"), key=when, default=None)
    return load(project, latest.stem) if latest else None


@contextmanager
def only_one(project: Path) -> Iterator[None]:
    """Within, no other command changes the fleet from this clone. Raises NothingTouched if one
    does."""
    path = run_directory(project) / "fleet.lock"
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o664), "r+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise NothingTouched(
                f"another rollout is under way in this clone: {file.read().strip()}. Its"
                f" progress: exctl fleet status"
            ) from None
        file.truncate(0)
        file.write(f"process {os.getpid()} since {time_text()}")
        file.flush()
        yield
