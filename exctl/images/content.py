"""An archive as what a registry wants: a manifest, and the parts that it names.

A root file system that is compressed already is a layer as it stands, so nothing of it is written
to this machine. What has to be compressed first goes into a directory that is gone afterwards.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import posixpath
import shutil
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from exctl.errors import NothingTouched
from exctl.images.archive import (
    BLOCK,
    BROKEN,
    GZIP_MAGIC,
    TEXT_LIMIT_BYTES,
    Archive,
    buffered,
    opened,
    plain_name,
)
from exctl.images.manifest import (
    ARCHITECTURE,
    CONFIG_TYPE,
    INDEX_TYPES,
    LAYER_TYPE,
    MANIFEST_TYPE,
    OCI_MANIFEST_TYPE,
    Descriptor,
    Start,
    digest_of,
    docker_manifest,
    imported_config,
    starts_with,
)

ROOM = 1.05
"""Chosen: compression makes what can't be compressed a little larger."""


@dataclass(frozen=True)
class Part:
    """A config or a layer: its description, and its bytes, in a file or here."""

    described: Descriptor
    path: Path | None = None
    data: bytes = b""

    def open(self) -> IO[bytes]:
        return self.path.open("rb") if self.path is not None else io.BytesIO(self.data)


@dataclass(frozen=True)
class Content:
    """An image that is ready to be pushed; layers first, config last."""

    manifest: bytes
    media_type: str
    parts: tuple[Part, ...]
    image_id: str
    starts: tuple[str, ...]

    @property
    def digest(self) -> str:
        return digest_of(self.manifest)

    @property
    def size(self) -> int:
        """Bytes of all parts."""
        return sum(part.described.size for part in self.parts)


def needs_bytes(archive: Archive) -> int:
    """Space that `content_of` takes in its directory, at most."""
    if archive.kind == "root file system" and archive.member is None and archive.is_gzip:
        return 0
    return int(archive.tar_size * ROOM)


def check_space(directory: Path, needed: int, what: str) -> None:
    """Raises NothingTouched if the directory's disk hasn't the room, bytes."""
    free = shutil.disk_usage(directory).free
    if free < needed:
        raise NothingTouched(
            f"{what} needs {needed / 1e6:.0f} MB in {directory}, which has {free / 1e6:.0f} MB"
            " free. Make room, or name another directory in the variable TMPDIR. Nothing was"
            " pushed."
        )


def content_of(archive: Archive, start: Start, directory: Path) -> Content:
    """The image in the archive.

    Raises NothingTouched if the archive contradicts itself, or brings its own way to start and
    `start` has another.
    """
    if archive.kind == "root file system":
        return _of_root(archive, start, directory)
    if start.is_given:
        raise NothingTouched(
            f"{archive.path.name} is a {archive.kind} and says itself how it starts; leave out"
            " --entrypoint, --cmd, --env, --workdir and --user."
        )
    check_space(directory, needs_bytes(archive), f"the content of {archive.path.name}")
    try:
        if archive.kind == "OCI archive":
            return _of_oci(archive, directory)
        return _of_saved(archive, directory)
    except (KeyError, IndexError, TypeError, ValueError, *BROKEN) as error:
        raise NothingTouched(
            f"{archive.path.name} is no {archive.kind} that can be understood: {error!r}."
        ) from None


def _of_root(archive: Archive, start: Start, directory: Path) -> Content:
    if needs_bytes(archive):
        check_space(directory, needs_bytes(archive), f"the content of {archive.path.name}")
        with opened(archive.path, archive.member) as tar:
            layer, _ = _layer(tar, directory / "layer")
    else:
        layer = Part(Descriptor(LAYER_TYPE, archive.size, archive.digest), archive.path)
    config = imported_config(start, archive.tar_digest, archive.newest)
    return _docker_image(config, [layer])


def _docker_image(config: bytes, layers: list[Part]) -> Content:
    part = Part(Descriptor(CONFIG_TYPE, len(config), digest_of(config)), data=config)
    manifest = docker_manifest(part.described, [layer.described for layer in layers])
    parts = (*dict.fromkeys(layers), part)
    return Content(manifest, MANIFEST_TYPE, parts, part.described.digest, starts_with(config))


class _Tee:
    """Writes into a file and hashes what is written."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.hash = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes) -> int:
        self.hash.update(data)
        self.size += len(data)
        return self._file.write(data)

    def flush(self) -> None:
        self._file.flush()


def _layer(stream: IO[bytes], path: Path) -> tuple[Part, str]:
    """A tar as a layer in a file, and the hash of the tar uncompressed.

    What is compressed already stays as it is. Else the same tar always gives the same bytes.
    """
    plain = hashlib.sha256()
    source = buffered(stream)
    with path.open("wb") as file:
        tee = _Tee(file)
        if source.peek(2)[:2] == GZIP_MAGIC:
            shutil.copyfileobj(source, tee, BLOCK)
            file.flush()
            with gzip.open(path) as again:
                while data := again.read(BLOCK):
                    plain.update(data)
        else:
            with gzip.GzipFile("", "wb", 6, tee, mtime=0) as packed:
                while data := source.read(BLOCK):
                    plain.update(data)
                    packed.write(data)
    found = Descriptor(LAYER_TYPE, tee.size, f"sha256:{tee.hash.hexdigest()}")
    return Part(found, path), f"sha256:{plain.hexdigest()}"


def _of_saved(archive: Archive, directory: Path) -> Content:
    described = archive.texts["manifest.json"][0]
    config_name, layer_names = described["Config"], list(described["Layers"])
    config = b""
    layers: dict[str, tuple[Part, str]] = {}
    links: dict[str, str] = {}
    with (
        opened(archive.path, archive.member) as stream,
        tarfile.open(fileobj=stream, mode="r|") as tar,
    ):
        for entry in tar:
            name = plain_name(entry.name)
            if entry.issym():
                links[name] = plain_name(posixpath.join(posixpath.dirname(name), entry.linkname))
            elif entry.islnk():
                links[name] = plain_name(entry.linkname)
            content = tar.extractfile(entry) if entry.isfile() else None
            if content is not None and name == config_name:
                config = content.read()
            elif content is not None and _is_layer(name):
                layers[name] = _layer(content, directory / f"layer-{len(layers)}")
    found = [layers[links.get(name, name)] for name in layer_names]
    wanted = json.loads(config)["rootfs"]["diff_ids"]
    if [diff_id for _, diff_id in found] != wanted:
        raise ValueError("a layer isn't what the config says")
    return _docker_image(config, [part for part, _ in found])


def _is_layer(name: str) -> bool:
    return name.endswith("/layer.tar") or name.startswith("blobs/sha256/")


def _of_oci(archive: Archive, directory: Path) -> Content:
    """The image as it is in the archive, manifest and all: it keeps its digest."""
    texts = _small_blobs(archive)
    described = _one_image(archive.texts["index.json"]["manifests"], texts)
    manifest = texts[described["digest"]]
    content = json.loads(manifest)
    config = texts[content["config"]["digest"]]
    wanted = {layer["digest"]: layer for layer in content["layers"]}
    layers = _blobs(archive, directory, wanted)
    parts = [Part(_descriptor(wanted[digest]), path) for digest, path in layers.items()]
    if missing := wanted.keys() - layers.keys():
        raise ValueError(f"the layer {sorted(missing)[0]} is missing")
    parts.append(Part(_descriptor(content["config"]), data=config))
    kind = str(described.get("mediaType") or content.get("mediaType") or OCI_MANIFEST_TYPE)
    image_id = str(content["config"]["digest"])
    return Content(manifest, kind, tuple(parts), image_id, starts_with(config))


def _descriptor(content: dict[str, Any]) -> Descriptor:
    return Descriptor(str(content["mediaType"]), int(content["size"]), str(content["digest"]))


def _one_image(described: list[dict[str, Any]], texts: dict[str, bytes]) -> dict[str, Any]:
    """The image that an index leads to; of several, the one for the hosts' processors."""
    images: list[dict[str, Any]] = []
    for each in described:
        if each.get("mediaType") in INDEX_TYPES:
            images.append(_one_image(json.loads(texts[each["digest"]])["manifests"], texts))
        elif "vnd.docker.reference.type" not in (each.get("annotations") or {}):
            images.append(each)
    ours = [i for i in images if (i.get("platform") or {}).get("architecture") == ARCHITECTURE]
    chosen = images if len(images) == 1 else ours
    if len(chosen) != 1:
        raise ValueError(f"it holds {len(images)} images")
    return chosen[0]


def _small_blobs(archive: Archive) -> dict[str, bytes]:
    """Manifests and configs by digest (and layers as small as they are)."""
    found: dict[str, bytes] = {}
    for digest, entry, content in _each_blob(archive):
        if entry.size < TEXT_LIMIT_BYTES:
            data = content.read()
            if digest_of(data) != digest:
                raise ValueError(f"{digest} isn't what it says")
            found[digest] = data
    return found


def _blobs(archive: Archive, directory: Path, wanted: dict[str, Any]) -> dict[str, Path]:
    """These blobs in files, each compared with its hash."""
    found: dict[str, Path] = {}
    for digest, _, content in _each_blob(archive):
        if digest not in wanted:
            continue
        path = directory / f"layer-{len(found)}"
        with path.open("wb") as file:
            tee = _Tee(file)
            shutil.copyfileobj(content, tee, BLOCK)
        if tee.hash.hexdigest() != digest.removeprefix("sha256:"):
            raise ValueError(f"{digest} isn't what it says")
        found[digest] = path
    return found


def _each_blob(archive: Archive) -> Iterable[tuple[str, tarfile.TarInfo, IO[bytes]]]:
    with (
        opened(archive.path, archive.member) as stream,
        tarfile.open(fileobj=stream, mode="r|") as tar,
    ):
        for entry in tar:
            name = plain_name(entry.name)
            content = tar.extractfile(entry) if name.startswith("blobs/sha256/") else None
            if content is not None:
                yield f"sha256:{name.rpartition('/')[2]}", entry, content
