"""An image as a stream that `docker load` takes, of any Docker, also with containerd's store.

Both forms stand in one tar: manifest.json for the classic store, which keeps the config's digest as
the image's id, and an OCI layout for containerd's, which keeps the manifest's.
"""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable, Iterable, Iterator
from typing import IO

from oci.archives.content import Content
from oci.reference import ImageReference


def ids_of(content: Content) -> tuple[str, str]:
    """What a host may know the image by once it has loaded it: by its config, or its manifest."""
    return content.image_id, content.digest


def write_loadable(
    content: Content, image: ImageReference, to: IO[bytes], progress: Callable[[int], None]
) -> None:
    """Writes the image under its name; `progress` is told of bytes of its parts."""
    _write(content, to, progress, [*_oci(content, image), *_classic(content, image)])


def write_oci(
    content: Content, image: ImageReference, to: IO[bytes], progress: Callable[[int], None]
) -> None:
    """The same as an OCI layout alone: to be kept, for it keeps the manifest's digest too. The same
    image always gives the same bytes."""
    _write(content, to, progress, _oci(content, image))


def _write(
    content: Content,
    to: IO[bytes],
    progress: Callable[[int], None],
    texts: Iterable[tuple[str, bytes]],
) -> None:
    with tarfile.open(fileobj=to, mode="w|", format=tarfile.USTAR_FORMAT) as tar:
        for part in content.parts:
            with part.open() as stream:
                told = _Told(stream, progress)
                _add(tar, _blob(part.described.digest), part.described.size, told)
        for name, data in texts:
            _add(tar, name, len(data), io.BytesIO(data))


class _Told(io.RawIOBase):
    def __init__(self, stream: IO[bytes], progress: Callable[[int], None]) -> None:
        self._stream = stream
        self._progress = progress

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size)
        self._progress(len(data))
        return data


def _add(tar: tarfile.TarFile, name: str, size: int, stream: IO[bytes] | io.RawIOBase) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = size
    tar.addfile(entry, stream)


def _blob(digest: str) -> str:
    return f"blobs/sha256/{digest.removeprefix('sha256:')}"


def _classic(content: Content, image: ImageReference) -> Iterator[tuple[str, bytes]]:
    *layers, config = content.parts
    by_digest = {part.described.digest for part in layers}
    order = [layer["digest"] for layer in json.loads(content.manifest)["layers"]]
    assert set(order) == by_digest
    saved = {
        "Config": _blob(config.described.digest),
        "RepoTags": [str(image)],
        "Layers": [_blob(digest) for digest in order],
    }
    yield "manifest.json", json.dumps([saved]).encode()


def _oci(content: Content, image: ImageReference) -> Iterator[tuple[str, bytes]]:
    described = {
        "mediaType": content.media_type,
        "digest": content.digest,
        "size": len(content.manifest),
        "annotations": {
            "io.containerd.image.name": str(image),
            "org.opencontainers.image.ref.name": image.tag or "",
        },
    }
    yield _blob(content.digest), content.manifest
    yield "index.json", json.dumps({"schemaVersion": 2, "manifests": [described]}).encode()
    yield "oci-layout", b'{"imageLayoutVersion":"1.0.0"}'
