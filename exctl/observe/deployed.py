"""Containers as the last run left them, from Pulumi's state. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from exctl.pulumi.state import CONTAINER, IMAGE, PROVIDER, WATCHER, WATCHER_PROVIDER, name_of
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
    return _by_key(deployment, CONTAINER, PROVIDER, lambda key: f"{IMAGE}{key}")


def deployed_watchers(deployment: Mapping[str, Any]) -> dict[str, Deployed]:
    """Program → its container in the state, of what watches the stack."""
    return _by_key(deployment, WATCHER, WATCHER_PROVIDER, lambda key: f"{WATCHER}{key}-image")


def _by_key(
    deployment: Mapping[str, Any], prefix: str, provider: str, image_of: Callable[[str], str]
) -> dict[str, Deployed]:
    """The containers whose rows' names begin so, by the rest of those; `image_of`: the name of an
    image's row."""
    rows = [row for row in deployment.get("resources") or [] if not row.get("delete")]
    images = {name_of(r): r["outputs"].get("name", "") for r in rows if r["type"] == IMAGE_TYPE}
    found = {}
    for row in rows:
        name = name_of(row)
        if row["type"] == CONTAINER_TYPE and name.startswith(prefix):
            key = name.removeprefix(prefix)
            found[key] = _deployed(row, provider, images.get(image_of(key), ""))
    return found


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
