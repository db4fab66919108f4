"""Pushing an image: part by part, chunk by chunk, so that a run that was cut goes on where it was.

A part that the registry has is skipped. Of one that was cut, the place is kept on this machine
after each chunk, and the next run goes on from there if the registry still knows it. It doesn't
where the cut fell into the middle of a chunk (kill -9, the network): Docker's own registry gives
such an upload up (Measured: docker-registry 2.8.2, `upload resumed at wrong offset`), and that one
part begins anew. Ctrl-C therefore finishes the chunk under way.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import requests

from exctl.errors import Interrupted
from exctl.images.content import Content, Part
from exctl.images.registry import Registry, RegistryError

CHUNK_MIB = 8
"""Chosen: small enough for most proxies' limits, large enough that the answers cost nothing."""
TRIES = 3
Progress = Callable[[int], None]
"""Told how many bytes more are there."""


@dataclass
class _Stop:
    """Whether the operator wants to stop."""

    wanted: bool = False


@dataclass(frozen=True)
class Pushed:
    """What a push found to do: bytes sent, and bytes that were there already."""

    sent: int
    there: int


def push(
    registry: Registry, name: str, tag: str, content: Content, chunk_bytes: int, progress: Progress
) -> Pushed:
    """Bring an image and its tag into the registry, and compare what is there then.

    Raises RegistryError, or Interrupted after a Ctrl-C; the next run goes on.
    """
    sent = there = 0
    with _stoppable() as stop:
        for part in content.parts:
            if registry.has_blob(name, part.described.digest):
                there += part.described.size
                progress(part.described.size)
                continue
            begun = _Upload(registry, name, part, chunk_bytes, progress).run(stop)
            there += begun
            sent += part.described.size - begun
    registry.put_manifest(name, tag, content.manifest, content.media_type)
    found = registry.digest(name, tag)
    if found != content.digest or registry.manifest(name, tag) != content.manifest:
        raise RegistryError(
            f"{registry.repository}/{name}:{tag} was pushed as {content.digest}, but the registry"
            f" says {found} now: somebody else pushes under that tag, or the registry is damaged."
        )
    return Pushed(sent, there)


class _Place:
    """Where an upload stood: a file of this machine, for this user alone."""

    def __init__(self, key: str) -> None:
        base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
        directory = Path(base).expanduser() / "exctl/uploads"
        self._path = directory / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.json"

    def read(self) -> str | None:
        try:
            return str(json.loads(self._path.read_text("utf-8"))["url"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def write(self, url: str) -> None:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        partial = self._path.with_suffix(".partial")
        partial.write_text(json.dumps({"url": url}))
        partial.chmod(0o600)
        partial.replace(self._path)

    def forget(self) -> None:
        self._path.unlink(missing_ok=True)


class _Upload:
    """One part on its way into the registry."""

    def __init__(
        self, registry: Registry, name: str, part: Part, chunk_bytes: int, progress: Progress
    ) -> None:
        self._registry = registry
        self._name = name
        self._part = part
        self._chunk_bytes = chunk_bytes
        self._progress = progress
        self._kept = _Place(registry.url(name, part.described.digest))
        self._told = 0

    def run(self, stop: _Stop) -> int:
        """Sends it; the bytes of it that an earlier run had brought there."""
        url, first = self._begun()
        done = first
        for left in reversed(range(TRIES)):
            try:
                self._from(url, done, stop)
                break
            except RegistryError as error:
                # No answer, or the upload is no longer known: where it stands has to be asked.
                if error.status not in (0, 404, 416) or not left:
                    raise
                url, done = self._begun()
        self._kept.forget()
        return first

    def _begun(self) -> tuple[str, int]:
        """Where to send to, and how much is there: an upload that was cut, else a new one."""
        url = self._kept.read()
        if url is not None:
            try:
                answer = self._registry.send("GET", url)
                return self._registry.onward(answer, url), _received(answer)
            except RegistryError as error:
                if error.status == 0:
                    raise
                self._kept.forget()
        start = self._registry.url(self._name, "blobs/uploads/")
        return self._registry.onward(self._registry.send("POST", start, data=b""), start), 0

    def _from(self, url: str, done: int, stop: _Stop) -> None:
        size = self._part.described.size
        with self._part.open() as file:
            file.seek(done)
            self._tell(done)
            while done < size:
                if stop.wanted:
                    raise Interrupted(_interrupted(done, size), touched=True)
                chunk = file.read(self._chunk_bytes)
                headers = {
                    "Content-Type": "application/octet-stream",
                    "Content-Range": f"{done}-{done + len(chunk) - 1}",
                }
                answer = self._registry.send("PATCH", url, data=chunk, headers=headers)
                url = self._registry.onward(answer, url)
                done += len(chunk)
                self._kept.write(url)
                self._tell(done)
        mark = "&" if "?" in url else "?"
        digest = self._part.described.digest
        self._registry.send("PUT", f"{url}{mark}digest={digest}", data=b"")

    def _tell(self, done: int) -> None:
        self._progress(done - self._told)
        self._told = done


def _interrupted(done: int, size: int) -> str:
    return (
        f"interrupted: {done / 1e6:.1f} of {size / 1e6:.1f} MB of this part are in the registry,"
        " and the tag is as it was. Run the same command again to go on."
    )


def _received(answer: requests.Response) -> int:
    """Bytes that the registry has, by its `Range: 0-<last byte>`."""
    last = int(answer.headers.get("Range", "0-0").rpartition("-")[2])
    return last + 1 if last else 0


@contextmanager
def _stoppable() -> Iterator[_Stop]:
    """Within, the first Ctrl-C or SIGTERM only asks to stop; the second one ends at once."""
    stop = _Stop()

    def handle(_number: int, _frame: FrameType | None) -> None:
        if stop.wanted:
            raise KeyboardInterrupt
        stop.wanted = True

    before = {n: signal.signal(n, handle) for n in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
