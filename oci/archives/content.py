"""An archive as what a registry wants: a manifest, and the parts that it names.

A root file system that is compressed already is a layer as it stands, so nothing of it is written
to this machine. What has to be compressed first goes into a directory that is gone afterwards.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from oci.archives.blobs import blobs_in, files_of, small_blobs, text_of
from oci.archives.examine import Archive
from oci.archives.layers import Part, layer_of
from oci.archives.members import TarSource, source_at
from oci.archives.streams import BROKEN
from oci.errors import ArchiveError
from oci.manifest import (
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
class Content:
    """An image that is ready to be pushed; layers first, config last."""

    manifest: bytes
    media_type: str
    parts: tuple[Part, ...]
    image_id: str
    """What Docker knows it by on a host: the digest of its config."""
    starts: tuple[str, ...]
    os: str
    architecture: str

    @property
    def digest(self) -> str:
        return digest_of(self.manifest)

    @property
    def size(self) -> int:
        """Bytes of all parts."""
        return sum(part.described.size for part in self.parts)


def needs_bytes(archive: Archive) -> int:
    """Space that `content_of` takes in its directory, at most."""
    return 0 if archive.layer is not None else int(archive.tar_size * ROOM)


def check_space(directory: Path, needed: int, what: str) -> None:
    """Raises ArchiveError if the directory's disk hasn't the room, bytes."""
    free = shutil.disk_usage(directory).free
    if free < needed:
        raise ArchiveError(
            f"{what} needs {needed / 1e6:.0f} MB in {directory}, which has {free / 1e6:.0f} MB"
            " free: make room, or name another directory in the variable TMPDIR"
        )


def content_of(
    archive: Archive, start: Start, directory: Path, architecture: str = ARCHITECTURE
) -> Content:
    """The image in the archive, for hosts of this architecture.

    Raises ArchiveError if the archive contradicts itself, is made for other hosts, or brings its
    own way to start and `start` has another.
    """
    name = archive.path.name
    if archive.kind != "root file system" and start.is_given:
        raise ArchiveError(
            f"{name} is a {archive.kind} and says itself how it starts: leave out --entrypoint,"
            " --cmd, --env, --workdir and --user"
        )
    check_space(directory, needs_bytes(archive), f"the content of {name}")
    try:
        content = _of(archive, start, directory, architecture)
    except (KeyError, IndexError, TypeError, ValueError, AttributeError, *BROKEN) as error:
        what = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise ArchiveError(f"{name} is no {archive.kind} that is usable: {what}") from None
    except OSError as error:
        raise ArchiveError(f"{name} can't be read: {error.strerror or error}") from None
    if (content.os, content.architecture) != ("linux", architecture):
        raise ArchiveError(
            f"{name} holds an image for {content.os}/{content.architecture}, and the hosts are"
            f" linux/{architecture}: ask the vendor for that one (for other hosts: --architecture)"
        )
    return content


def _of(archive: Archive, start: Start, directory: Path, architecture: str) -> Content:
    match archive.kind:
        case "root file system":
            return _of_root(archive, start, directory, architecture)
        case "docker save archive":
            return _of_saved(archive, directory)
        case "OCI archive":
            texts = small_blobs(archive)
            index = json.loads(archive.texts["index.json"])["manifests"]
            described = _one_image(index, texts, architecture)
            kind = str(described.get("mediaType") or "")
            return _of_manifest(archive, texts[described["digest"]], kind, texts, directory)
        case "skopeo directory":
            manifest = archive.texts["manifest.json"]
            return _of_manifest(archive, manifest, "", small_blobs(archive), directory)


def _of_root(archive: Archive, start: Start, directory: Path, architecture: str) -> Content:
    if archive.layer is not None:
        digest, size = archive.layer
        layer = Part(Descriptor(LAYER_TYPE, size, digest), archive.path)
    else:
        with source_at(archive.path, archive.chain) as source:
            assert isinstance(source, TarSource)
            layer, _ = layer_of(source.stream, directory / "layer")
    config = imported_config(start, archive.tar_digest, archive.modified, architecture)
    return _docker_image(config, [layer])


def _docker_image(config: bytes, layers: list[Part]) -> Content:
    part = Part(Descriptor(CONFIG_TYPE, len(config), digest_of(config)), data=config)
    manifest = docker_manifest(part.described, [layer.described for layer in layers])
    return _content(manifest, MANIFEST_TYPE, layers, part)


def _content(manifest: bytes, kind: str, layers: Iterable[Part], config: Part) -> Content:
    said = json.loads(config.data)
    system, architecture = str(said.get("os") or "linux"), str(said.get("architecture") or "none")
    parts = (*dict.fromkeys(layers), config)
    starts = starts_with(config.data)
    return Content(manifest, kind, parts, config.described.digest, starts, system, architecture)


def _of_saved(archive: Archive, directory: Path) -> Content:
    """By manifest.json, whatever the files are called there; links are followed."""
    described = json.loads(archive.texts["manifest.json"])[0]
    names = [_resolved(archive, str(name)) for name in described["Layers"]]
    config_name = _resolved(archive, str(described["Config"]))
    config = b""
    layers: dict[str, tuple[Part, str]] = {}
    for name, member in files_of(archive):
        if name == config_name:
            config = text_of(member)
        elif name in names:
            with member.opened() as content:
                layers[name] = layer_of(content, directory / f"layer-{len(layers)}")
    found = [layers[name] for name in names]
    if [diff_id for _, diff_id in found] != json.loads(config)["rootfs"]["diff_ids"]:
        raise ValueError("a layer isn't what the config says")
    return _docker_image(config, [part for part, _ in found])


def _resolved(archive: Archive, name: str) -> str:
    """The name, in the archive's folder, of the file that a link leads to."""
    for _ in range(10):
        if name in archive.files:
            return name
        name = archive.links.get(name, "")
    raise KeyError(name)


def _of_manifest(
    archive: Archive, manifest: bytes, kind: str, texts: Mapping[str, bytes], directory: Path
) -> Content:
    """The image as it is in the archive, manifest and all: it keeps its digest. But for layers that
    zstd has packed, which no Docker before 23 reads."""
    said = json.loads(manifest)
    config = texts[said["config"]["digest"]]
    wanted = {layer["digest"]: layer for layer in said["layers"]}
    paths = blobs_in(archive, directory, wanted)
    if missing := wanted.keys() - paths.keys():
        raise ValueError(f"the layer {sorted(missing)[0]} is missing")
    if any(str(layer.get("mediaType")).endswith("zstd") for layer in said["layers"]):
        again = []
        for layer in said["layers"]:
            path = paths[layer["digest"]]
            with path.open("rb") as file:
                again.append(layer_of(file, path.with_suffix(".gz"))[0])
        return _docker_image(config, again)
    layers = [Part(_descriptor(wanted[digest]), path) for digest, path in paths.items()]
    chosen = kind or str(said.get("mediaType") or OCI_MANIFEST_TYPE)
    return _content(manifest, chosen, layers, Part(_descriptor(said["config"]), data=config))


def _descriptor(content: dict[str, Any]) -> Descriptor:
    return Descriptor(str(content["mediaType"]), int(content["size"]), str(content["digest"]))


def _one_image(
    described: list[dict[str, Any]], texts: Mapping[str, bytes], architecture: str
) -> dict[str, Any]:
    """The image that an index leads to; of several, the one for the hosts' architecture."""
    images = list(_images(described, texts))
    ours = [i for i in images if (i.get("platform") or {}).get("architecture") == architecture]
    chosen = images if len(images) == 1 else ours
    if len(chosen) != 1:
        raise ValueError(f"it holds {len(images)} images, {len(ours)} of them for {architecture}")
    return chosen[0]


def _images(
    described: list[dict[str, Any]], texts: Mapping[str, bytes]
) -> Iterator[dict[str, Any]]:
    for each in described:
        if each.get("mediaType") in INDEX_TYPES:
            yield from _images(json.loads(texts[each["digest"]])["manifests"], texts)
        elif "vnd.docker.reference.type" not in (each.get("annotations") or {}):
            yield each
