"""An image out of a registry, as content that can be written into an archive."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from oci.archives.content import Content
from oci.archives.layers import Part
from oci.archives.streams import BLOCK
from oci.errors import ArchiveError
from oci.manifest import OCI_MANIFEST_TYPE, Descriptor, size_and_part, starts_with
from oci.reference import ImageReference
from oci.registry import RegistryClient


def download(
    registry: RegistryClient,
    image: ImageReference,
    directory: Path,
    architecture: str,
) -> Content:
    """The image for hosts of this architecture, its layers in files, each compared with its hash.

    Raises ArchiveError if it isn't there, or isn't what the manifest says; RegistryError.
    """
    manifest = registry.manifest(image)
    if manifest is None:
        raise ArchiveError(f"the registry has no {image}")
    _, part = size_and_part(manifest.content, architecture)
    if part is not None:
        return download(registry, image.with_digest(part), directory, architecture)
    try:
        said = json.loads(manifest.content)
        described = [_descriptor(each) for each in (*said["layers"], said["config"])]
    except (ValueError, KeyError, TypeError):
        raise ArchiveError(
            f"{image} has no image for linux/{architecture} in the registry"
        ) from None
    parts = []
    for number, each in enumerate(dict.fromkeys(described)):
        path = directory / f"part-{number}"
        _fetch(registry, image, each, path)
        parts.append(Part(each, path))
    with parts[-1].open() as file:
        config = Part(described[-1], data=file.read())
    settings = json.loads(config.data)
    return Content(
        manifest.content,
        str(said.get("mediaType") or OCI_MANIFEST_TYPE),
        (*parts[:-1], config),
        config.described.digest,
        starts_with(config.data),
        str(settings.get("os") or "linux"),
        str(settings.get("architecture") or architecture),
    )


def _descriptor(said: dict[str, str]) -> Descriptor:
    return Descriptor(str(said["mediaType"]), int(said["size"]), str(said["digest"]))


def _fetch(
    registry: RegistryClient,
    image: ImageReference,
    part: Descriptor,
    path: Path,
) -> None:
    digest = hashlib.sha256()
    with path.open("wb") as file:
        for data in registry.blob(image, part.digest, BLOCK):
            digest.update(data)
            file.write(data)
    if f"sha256:{digest.hexdigest()}" != part.digest:
        raise ArchiveError(f"the registry's {part.digest} of {image} isn't what it says")
