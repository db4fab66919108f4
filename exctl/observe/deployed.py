"""Containers as the last run left them, from Pulumi's state. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from exctl.pulumi.state import CONTAINER, PROVIDER, WATCHER, WATCHER_PROVIDER, name_of
from exctl.runs.plan import CONTAINER_TYPE, IMAGE_TYPE

BYTES_A_MIB = 1 << 20
NANO = 1_000_000_000


@dataclass(frozen=True)
class Deployed:
    """A container as the last run left it; limits as Docker counts them, 0: none."""

    id: str
    host: str
    name: str
    spec: str
    restart: str = ""
    memory_bytes: int = 0
    nano_cpus: int = 0
    image: str = ""
    """What Docker was told to pull; the spec doesn't hold the digest of it."""


def deployed_containers(deployment: Mapping[str, Any]) -> dict[str, Deployed]:
    """Instance → its container in the state."""
    images = _images(deployment, lambda name: name.partition("image-")[2])
    return {
        name.removeprefix(CONTAINER): _deployed(row, PROVIDER, images[name.removeprefix(CONTAINER)])
        for name, row in _containers(deployment).items()
        if name.startswith(CONTAINER)
    }


def deployed_watchers(deployment: Mapping[str, Any]) -> dict[str, Deployed]:
    """Program → its container in the state, of what watches the stack."""
    images = _images(deployment, lambda name: name.removesuffix("-image").removeprefix(WATCHER))
    return {
        name.removeprefix(WATCHER): _deployed(
            row, WATCHER_PROVIDER, images[name.removeprefix(WATCHER)]
        )
        for name, row in _containers(deployment).items()
        if name.startswith(WATCHER)
    }


def _containers(deployment: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    return {
        name_of(row): row
        for row in deployment.get("resources") or []
        if row["type"] == CONTAINER_TYPE and not row.get("delete")
    }


def _images(deployment: Mapping[str, Any], of: Callable[[str], str]) -> defaultdict[str, str]:
    """What Docker was told to pull, by what it is for; '' for what isn't in the state."""
    return defaultdict(
        str,
        {
            of(name_of(row)): row["outputs"].get("name", "")
            for row in deployment.get("resources") or []
            if row["type"] == IMAGE_TYPE and not row.get("delete")
        },
    )


def _deployed(row: Mapping[str, Any], provider: str, image: str) -> Deployed:
    inputs, outputs = row.get("inputs") or {}, row["outputs"]
    labels = {e["label"]: e["value"] for e in outputs.get("labels") or []}
    return Deployed(
        id=row["id"],
        host=row["provider"].split("::")[3].removeprefix(provider),
        name=outputs.get("name", ""),
        spec=labels.get("exec.spec", ""),
        restart=inputs.get("restart") or "",
        memory_bytes=int(inputs.get("memory") or 0) * BYTES_A_MIB,
        nano_cpus=round(float(inputs.get("cpus") or 0) * NANO),
        image=image,
    )
