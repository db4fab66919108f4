"""Two locks keep runs apart: Pulumi's on the stack's state, and ours on the stack in this clone.

Pulumi takes its own only when a run begins. Ours is held from before the stack file is read until
the release is recorded: a second operator in the same clone can't change the file under a run. It
is an flock, which ends with its process, so that none of ours is ever left behind.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from exctl import files
from exctl.errors import ExctlError, NothingTouched
from exctl.site import Place, user_name
from health.gates.operator import RUN_LOCK_VARIABLE
from stack import paths, yaml_text
from stack.problems import message

LOOK_INTERVAL_SECONDS = 0.5
Say = Callable[[str], None]


def project_file(place: Place) -> Mapping[str, Any]:
    """What Pulumi.yaml says. NothingTouched if it can't be read."""
    path = place.project / "Pulumi.yaml"
    try:
        return yaml_text.read(files.read(path))
    except yaml_text.NotReadable as error:
        raise NothingTouched(message(path.name, error.problems, "nothing was touched")) from None


def backend_of(site: Place) -> Path | None:
    """The directory of the state; None if it isn't kept in files."""
    url = os.environ.get("PULUMI_BACKEND_URL", "")
    if not url:
        url = str(paths.get(project_file(site), "backend.url") or "")
    if not url.startswith("file://"):
        return None
    parts = urlsplit(url)
    return (site.project / f"{parts.netloc}{parts.path}").resolve()


def held(site: Place) -> list[Path]:
    """Pulumi's lock files of the stack. NothingTouched if its state isn't kept in files."""
    backend = backend_of(site)
    if backend is None:
        raise NothingTouched(
            "this stack's state isn't kept in files; use `pulumi cancel`. Nothing was touched."
        )
    name = str(paths.get(project_file(site), "name") or "")
    directory = backend / ".pulumi/locks/organization" / name / site.stack
    return sorted(directory.glob("*.json"))


def described(path: Path) -> str:
    """Who holds it, where, since when; and if it's a process of this host, whether it lives."""
    content = _content(path)
    if not content:
        return f"{path} can't be read"
    pid, host = content.get("pid"), content.get("hostname")
    who = f"{content.get('username')}@{host}, process {pid}, since {content.get('timestamp')}"
    if command := content.get("command"):
        who += f", {command}"
    if host != socket.gethostname():
        return f"{who}: on another host, look there whether it still runs"
    return f"{who}: {'STILL RUNS' if _lives(pid) else 'no longer runs'}"


def is_alive(path: Path) -> bool:
    """True if the holder is a process of this host that still runs."""
    content = _content(path)
    return content.get("hostname") == socket.gethostname() and _lives(content.get("pid"))


def is_left_behind(path: Path) -> bool:
    """True if the holder was a process of this host that has ended without letting go."""
    content = _content(path)
    return content.get("hostname") == socket.gethostname() and not _lives(content.get("pid"))


def _content(path: Path) -> Mapping[str, Any]:
    try:
        content = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, Mapping) else {}


def _lives(pid: object) -> bool:
    if not isinstance(pid, int):
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    status = Path(f"/proc/{pid}/status")  # one that nobody has collected yet still takes signals
    return not status.exists() or "\nState:\tZ" not in status.read_text("utf-8")


def goes_on(site: Place) -> str:
    """Whose run is under way, as far as it can be told without taking a lock; else ''."""
    known = [] if backend_of(site) is None else held(site)
    return next((described(path) for path in [path_of(site), *known] if is_alive(path)), "")


def path_of(place: Place) -> Path:
    """The file of our own lock. It stays when nobody holds it: what counts is the flock on it."""
    return place.project / f".Pulumi.{place.stack}.lock"


@contextmanager
def hold(place: Place, wait_seconds: float, say: Say) -> Iterator[None]:
    """Holds the stack: nobody else who uses exctl in this clone changes its file or its hosts.

    Looks at Pulumi's lock too, since somebody in another clone, or with plain pulumi, may be at it.

    Raises ExctlError with who is at it if that isn't over within `wait_seconds`, or at once where
    Pulumi's lock is that of a run that was killed.
    """
    with _opened(path_of(place)) as file:
        _wait(lambda: _in_the_way(place, file), place, wait_seconds, say)
        _write(file, _ours())
        os.environ[RUN_LOCK_VARIABLE] = str(path_of(place))
        try:
            yield
        finally:
            del os.environ[RUN_LOCK_VARIABLE]
            file.truncate(0)


def stop_gates(place: Place) -> None:
    """Tells the gates of the run under way, in whatever process, that the operator wants an end.

    Also from a signal's handler, so without a lock of ours that the handler could wait for.
    """
    path = path_of(place)
    path.write_text(json.dumps({**_content(path), "stopping": True}), "utf-8")


def _opened(path: Path) -> IO[str]:
    try:
        # Not inherited by Pulumi: a lock that outlives exctl would be nobody's.
        return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o664), "r+")
    except OSError as error:
        raise NothingTouched(
            f"{path} can't be written ({error.strerror}), so no run can be kept apart from another"
            " one. Nothing was touched."
        ) from None


def _ours() -> dict[str, Any]:
    return {
        "pid": os.getpid(),
        "username": user_name(),
        "hostname": socket.gethostname(),
        "timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "command": " ".join(["exctl", *sys.argv[1:3]]),
    }


def _write(file: IO[str], content: Mapping[str, Any]) -> None:
    file.seek(0)
    file.truncate()
    file.write(json.dumps(content))
    file.flush()


def _in_the_way(place: Place, file: IO[str]) -> str:
    """Who is at the stack, '' if the lock is ours now and Pulumi's is free."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return described(path_of(place))
    locks = held(place) if backend_of(place) is not None else []
    if not locks:
        return ""
    if left := [path for path in locks if is_left_behind(path)]:
        raise ExctlError(
            f"a run that was killed has left the lock of the stack {place.stack}:"
            f" {described(left[0])}. Nothing was touched.\nTo take it from that run: exctl unlock"
            f" --stack {place.stack}"
        )
    found = described(locks[0])
    fcntl.flock(file, fcntl.LOCK_UN)  # who waits for another clone must not hold up this one
    return found


def _wait(in_the_way: Callable[[], str], place: Place, wait_seconds: float, say: Say) -> None:
    deadline = time.monotonic() + wait_seconds
    told = ""
    while who := in_the_way():
        if time.monotonic() >= deadline:
            waited = f" after waiting for {wait_seconds:g} s" if wait_seconds else ""
            raise ExctlError(
                f"another run holds the lock of the stack {place.stack}{waited}: {who}."
                " Nothing was touched, nothing was pulled.\nTo wait for it: --lock-wait SECONDS."
                f" To take the lock of a run that was killed: exctl unlock --stack {place.stack}"
            )
        if who != told:
            say(f"waiting for up to {wait_seconds:g} s for the run of {who}")
            told = who
        time.sleep(LOOK_INTERVAL_SECONDS)
