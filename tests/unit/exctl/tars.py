"""Archives as the vendor may ship them, made in memory."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def tar_of(files: Mapping[str, bytes], links: Mapping[str, str] | None = None) -> bytes:
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as tar:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mtime = len(data), 1_700_000_000
            tar.addfile(entry, io.BytesIO(data))
        for name, target in (links or {}).items():
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = tarfile.SYMTYPE, target
            tar.addfile(entry)
    return written.getvalue()


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def config_of(*tars: bytes, **settings: Any) -> bytes:
    diff_ids = [f"sha256:{sha(tar)}" for tar in tars]
    content = {"config": settings, "rootfs": {"type": "layers", "diff_ids": diff_ids}}
    return json.dumps(content).encode()


def saved(*layers: bytes, tags: tuple[str, ...] = ("excs:1",)) -> bytes:
    """As `docker save` of Docker 20 writes it; a layer that comes twice is a link."""
    config = config_of(*layers, Entrypoint=["/run"])
    files: dict[str, bytes] = {}
    links: dict[str, str] = {}
    names = []
    for number, layer in enumerate(layers):
        names.append(f"{number:064}/layer.tar")
        first = layers.index(layer)
        if first == number:
            files[names[-1]] = layer
        else:
            links[names[-1]] = f"../{first:064}/layer.tar"
    name = f"{sha(config)}.json"
    manifest = [{"Config": name, "RepoTags": list(tags), "Layers": names}]
    return tar_of({**files, name: config, "manifest.json": json.dumps(manifest).encode()}, links)


def oci(layer: bytes) -> tuple[bytes, bytes]:
    """An OCI archive with one layer, and the bytes of its manifest."""
    config = config_of(layer, Cmd=["/run"])
    packed = gzip.compress(layer, mtime=0)

    def described(kind: str, data: bytes) -> dict[str, Any]:
        return {"mediaType": kind, "digest": f"sha256:{sha(data)}", "size": len(data)}

    manifest = json.dumps(
        {
            "schemaVersion": 2,
            "config": described("application/vnd.oci.image.config.v1+json", config),
            "layers": [described("application/vnd.oci.image.layer.v1.tar+gzip", packed)],
        }
    ).encode()
    index = {"manifests": [described("application/vnd.oci.image.manifest.v1+json", manifest)]}
    blobs = {f"blobs/sha256/{sha(data)}": data for data in (config, packed, manifest)}
    files = {"oci-layout": b"{}", "index.json": json.dumps(index).encode(), **blobs}
    return tar_of(files), manifest


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path
