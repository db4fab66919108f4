"""The JSON texts that an image consists of besides its files, byte for byte as Docker writes them.

Pure. A registry knows an image by the hash of its manifest, so a space more is another image.
"""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from stack.text import time_text

MANIFEST_TYPE = "application/vnd.docker.distribution.manifest.v2+json"
CONFIG_TYPE = "application/vnd.docker.container.image.v1+json"
LAYER_TYPE = "application/vnd.docker.image.rootfs.diff.tar.gzip"
OCI_MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
INDEX_TYPES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
MANIFEST_TYPES = (MANIFEST_TYPE, OCI_MANIFEST_TYPE, *INDEX_TYPES)
ARCHITECTURE = "amd64"
"""Chosen: the vendor's images are for 64-bit Linux, and a file system doesn't say for which; where
the hosts are others, an option says so."""


@dataclass(frozen=True)
class Descriptor:
    """What a manifest says of one of an image's parts; `size` in bytes."""

    media_type: str
    size: int
    digest: str


@dataclass(frozen=True)
class Start:
    """How a container of an image starts: what `docker import --change` would be told."""

    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    environment: tuple[str, ...] = ()
    directory: str = ""
    user: str = ""

    @property
    def is_given(self) -> bool:
        return self != Start()

    @property
    def settings(self) -> dict[str, Any]:
        """By Docker's names; what isn't given isn't there."""
        every = {
            "User": self.user,
            "Env": list(self.environment),
            "Cmd": list(self.command),
            "WorkingDir": self.directory,
            "Entrypoint": list(self.entrypoint),
        }
        return {name: value for name, value in every.items() if value}


def words_of(text: str) -> tuple[str, ...]:
    """`["python3", "-m", "x"]` or `python3 -m x`, as words; ValueError if it's neither.

    No shell runs them: an image may not have one.
    """
    if text.lstrip().startswith("["):
        found = json.loads(text)
        if not isinstance(found, list) or not all(isinstance(word, str) for word in found):
            raise ValueError("must be a list of texts")
        return tuple(found)
    return tuple(shlex.split(text))


def digest_of(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def docker_manifest(config: Descriptor, layers: Sequence[Descriptor]) -> bytes:
    """The manifest of an image, as `docker push` writes it.

    Source: image manifest version 2, schema 2. Measured: the manifest that a Docker daemon pushed
    is in the tests.
    """
    content = {
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "config": _described(config),
        "layers": [_described(layer) for layer in layers],
    }
    return json.dumps(content, indent=3).encode()


def _described(part: Descriptor) -> dict[str, Any]:
    return {"mediaType": part.media_type, "size": part.size, "digest": part.digest}


def imported_config(
    start: Start, diff_id: str, created: float, architecture: str = ARCHITECTURE
) -> bytes:
    """The config of an image that is one file system, as `docker import` makes it.

    `diff_id` is the hash of the uncompressed file system. `created` (seconds since 1970) is the
    file system's own time and not now: the same archive always gives the same digest.
    """
    at = time_text(max(0.0, created))
    content = {
        "architecture": architecture,
        "comment": "Imported from -",
        "config": start.settings,
        "created": at,
        "history": [{"created": at, "comment": "Imported from -"}],
        "os": "linux",
        "rootfs": {"type": "layers", "diff_ids": [diff_id]},
    }
    return json.dumps(content, separators=(",", ":")).encode()


def starts_with(config: bytes) -> tuple[str, ...]:
    """The words that a container of an image with this config runs; none: it can't start."""
    settings = json.loads(config).get("config") or {}
    return (*(settings.get("Entrypoint") or ()), *(settings.get("Cmd") or ()))


def size_and_part(manifest: bytes, architecture: str) -> tuple[int | None, str | None]:
    """The bytes of an image's layers; of an index, the digest of its image for this architecture
    instead. Both None where it isn't understood."""
    try:
        content = json.loads(manifest)
        if "manifests" not in content:
            return sum(int(layer["size"]) for layer in content["layers"]), None
        platforms = {each["digest"]: each.get("platform") or {} for each in content["manifests"]}
        wanted = {"os": "linux", "architecture": architecture}
        mine = [d for d, platform in platforms.items() if wanted.items() <= platform.items()]
        return None, (str(mine[0]) if mine else None)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None, None
