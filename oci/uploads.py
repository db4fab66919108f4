"""Pushing an image: part by part, chunk by chunk, so that an interrupted run resumes where it was.

A part that the registry has is skipped. Of one that was cut, the place is kept on this machine
after each chunk, and the next run goes on from there if the registry still knows it. It doesn't
where the cut fell into the middle of a chunk (kill -9, the network): Docker's own registry gives
such an upload up (Measured: docker-registry 2.8.2, `upload resumed at wrong offset`), and that one
part starts over. Ctrl-C therefore finishes the chunk under way.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import requests

from oci.archives.content import Content
from oci.archives.layers import Part
from oci.errors import RegistryError
from oci.reference import ImageReference
from oci.registry import RegistryClient

CHUNK_MIB = 8
"""Chosen: small enough for most proxies' limits, large enough that the answers cost nothing."""
TRIES = 3
Progress = Callable[[int], None]
"""Told how many bytes more are there."""
IsWanted = Callable[[], bool]
"""Whether the operator wants to stop."""


class UploadStopped(Exception):
    """Stopped between two chunks; `done` of `size` bytes of that part are in the registry."""

    def __init__(self, done: int, size: int) -> None:
        super().__init__(f"{done} of {size} bytes")
        self.done = done
        self.size = size


@dataclass(frozen=True)
class Pushed:
    """What a push found to do: bytes sent, and bytes that were there already."""

    sent: int
    there: int


def push(
    registry: RegistryClient,
    image: ImageReference,
    content: Content,
    chunk_bytes: int,
    progress: Progress,
    is_stop_wanted: IsWanted = lambda: False,
    tries: int = TRIES,
) -> Pushed:
    """Bring an image and its tag into the registry, and compare what is there then.

    Raises RegistryError, or UploadStopped once that is wanted; the next run goes on.
    """
    sent = there = 0
    for part in content.parts:
        if registry.has_blob(image, part.described.digest):
            there += part.described.size
            progress(part.described.size)
            continue
        upload = _Upload(registry, image, part, chunk_bytes, progress)
        begun = upload.run(is_stop_wanted, tries)
        there += begun
        sent += part.described.size - begun
    registry.put_manifest(image, content.manifest, content.media_type)
    found = registry.manifest(image)
    if found is None or found.content != content.manifest:
        raise RegistryError("changed", str(image), said=found.digest if found else "")
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
        self,
        registry: RegistryClient,
        image: ImageReference,
        part: Part,
        chunk_bytes: int,
        progress: Progress,
    ) -> None:
        self._registry = registry
        self._image = image
        self._part = part
        self._chunk_bytes = chunk_bytes
        self._progress = progress
        self._kept = _Place(registry.url(image, part.described.digest))
        self._told = 0

    def run(self, is_stop_wanted: IsWanted, tries: int) -> int:
        """Sends it; the bytes of it that an earlier run had brought there."""
        url, first = self._begun()
        done = first
        for left in reversed(range(tries)):
            try:
                self._from(url, done, is_stop_wanted)
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
        start = self._registry.url(self._image, "blobs/uploads/")
        return self._registry.onward(self._registry.send("POST", start, data=b""), start), 0

    def _from(self, url: str, done: int, is_stop_wanted: IsWanted) -> None:
        size = self._part.described.size
        with self._part.open() as file:
            file.seek(done)
            self._tell(done)
            while done < size:
                if is_stop_wanted():
                    raise UploadStopped(done, size)
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


def _received(answer: requests.Response) -> int:
    """Bytes that the registry has, by its `Range: 0-<last byte>`."""
    last = int(answer.headers.get("Range", "0-0").rpartition("-")[2])
    return last + 1 if last else 0
