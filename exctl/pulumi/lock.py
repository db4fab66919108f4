"""Two locks keep runs apart: Pulumi's on the stack's state, and ours on the stack in this clone.

Pulumi takes its own only when a run begins. Ours is held from before the stack file is read until
the release is recorded: a second operator in the same clone can't change the file under a run. It
is an flock, which ends with its process, so that none of ours is ever left behind.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from pulumi import automation as auto

from exctl.errors import ExctlError, NothingTouched
from exctl.pulumi.workspace import last_error, workspace
from exctl.rundir import lock_file
from exctl.site import StackPlace
from health.runlock import (
    Holder,
    ask_to_stop,
    holder,
    ourselves,
    read,
    since_text,
)
from stack.text import parse_time

LOOK_INTERVAL_SECONDS = 0.5
_CREATED_BY = re.compile(
    r"created by (?P<user>.+)@(?P<host>\S+) \(pid (?P<pid>\d+)\) at (?P<at>\S+)"
)
"""Pulumi's own words for whoever holds a lock. Source: pulumi 3.274, backend/diy/lock.go."""
Say = Callable[[str], None]
Look = Callable[[StackPlace], list[Holder]]


def holders(place: StackPlace) -> list[Holder]:
    """Who holds Pulumi's lock of the stack, in whatever backend that keeps locks as files or rows.

    Pulumi tells it only to who wants the lock. Renaming a stack to its own name takes the lock and
    changes nothing; a backend that refuses that for other reasons has no lock to tell of.
    """
    work = workspace(place, with_secrets=False)
    arguments = ["stack", "rename", place.stack, "--stack", place.stack]
    try:
        work.pulumi_command.run(arguments, work.work_dir, work.env_vars)
    except auto.ConcurrentUpdateError as error:
        return holders_in(str(error))
    except auto.StackAlreadyExistsError:
        work.note(place.stack)
    except auto.CommandError:
        return []
    return []


def holders_in(refusal: str) -> list[Holder]:
    """The holders that Pulumi's refusal names."""
    return [
        Holder(int(found["pid"]), found["user"], found["host"], parse_time(found["at"]))
        for found in _CREATED_BY.finditer(refusal)
    ]


def described(found: Holder) -> str:
    """Who it is, where, since when; and if it's a process of this host, whether it lives."""
    who = f"{found.user}@{found.host}, process {found.pid}"
    if found.since is not None:
        who += f", since {since_text(found.since)}"
    if found.command:
        who += f", {found.command}"
    if found.lives is None:
        return f"{who}: on another host; check there whether it still runs"
    return f"{who}: {'STILL RUNS' if found.lives else 'no longer runs'}"


def killed_command(place: StackPlace) -> str:
    """The exctl command whose run was killed in this clone, `adopt` for instance; '' if none was.

    Whoever ends in order empties our own lock, and whoever comes later is kept out by Pulumi's
    until that is taken.
    """
    found = holder(read(path_of(place)))
    return found.action if found is not None and found.lives is False else ""


def release(place: StackPlace) -> None:
    """Takes Pulumi's lock of the stack away, whoever holds it. ExctlError if Pulumi refuses."""
    work = workspace(place, with_secrets=False)
    try:
        arguments = ["cancel", "--yes", "--stack", place.stack]
        work.pulumi_command.run(arguments, work.work_dir, work.env_vars)
    except auto.CommandError as error:
        raise ExctlError(f"the lock can't be removed: {last_error(error)}") from None


def run_under_way(place: StackPlace) -> Holder | None:
    """Whose run of exctl is under way in this clone, as far as it can be told without a lock."""
    found = holder(read(path_of(place)))
    return found if found is not None and found.lives else None


def path_of(place: StackPlace) -> Path:
    """The file of our own lock."""
    return lock_file(place.project, place.stack)


@contextmanager
def hold(place: StackPlace, wait_seconds: float, say: Say, look: Look = holders) -> Iterator[None]:
    """Holds the stack: nobody else who uses exctl in this clone changes its file or its hosts.

    Looks at Pulumi's lock too (`look` says who holds it), since somebody in another clone, or with
    plain pulumi, may be at it.

    Raises ExctlError with who is at it if that isn't over within `wait_seconds`, or at once where
    Pulumi's lock is that of a run that was killed.
    """
    with _opened(path_of(place)) as file:
        _wait(lambda: _in_the_way(place, file, look), place, wait_seconds, say)
        _write(file)
        try:
            yield
        finally:
            file.truncate(0)


def stop_gates(place: StackPlace) -> None:
    """Tells the gates of the run under way that the operator wants an end."""
    ask_to_stop(path_of(place))


def _opened(path: Path) -> IO[str]:
    try:
        # Not inherited by Pulumi: a lock that outlives exctl would be nobody's.
        return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o664), "r+")
    except OSError as error:
        raise NothingTouched(
            f"{path} can't be written ({error.strerror}), so runs can't be kept apart."
        ) from None


def _write(file: IO[str]) -> None:
    file.seek(0)
    file.truncate()
    file.write(json.dumps(ourselves()))
    file.flush()


def _in_the_way(place: StackPlace, file: IO[str], look: Look) -> Holder | None:
    """Who is at the stack, None if the lock is ours now and Pulumi's is free."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return holder(read(path_of(place))) or Holder(0, "somebody", "this host")
    found = look(place)
    if dead := [each for each in found if each.lives is False]:
        found = look(place)  # one that ended in order meanwhile has taken its lock along
        if left := [each for each in dead if each in found]:
            raise ExctlError(
                f"a killed run has left the lock of the stack {place.stack}:"
                f" {described(left[0])}.\nTo remove it: exctl unlock"
                f" --stack {place.stack}",
                touched=False,
            )
    if not found:
        return None
    fcntl.flock(file, fcntl.LOCK_UN)  # who waits for another clone must not hold up this one
    return found[0]


def _wait(
    in_the_way: Callable[[], Holder | None], place: StackPlace, wait_seconds: float, say: Say
) -> None:
    deadline = time.monotonic() + wait_seconds
    told: Holder | None = None
    while found := in_the_way():
        if time.monotonic() >= deadline:
            waited = f" after waiting for {wait_seconds:g} s" if wait_seconds else ""
            raise ExctlError(
                f"another run holds the lock of the stack {place.stack}{waited}:"
                f" {described(found)}.\nTo wait for it: --lock-wait SECONDS. To remove the lock"
                f" of a killed run: exctl unlock --stack {place.stack}",
                touched=False,
            )
        if found != told:
            say(f"waiting for up to {wait_seconds:g} s for the run of {described(found)}")
            told = found
        time.sleep(LOOK_INTERVAL_SECONDS)
