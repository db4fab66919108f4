"""Archives as the vendor may ship them, made in memory."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
import zipfile
from collections.abc import Callable, Mapping, Sequence
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


def zip_of(files: Mapping[str, bytes]) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as packed:
        for name, data in files.items():
            packed.writestr(name, data)
    return written.getvalue()


def unpacked_into(directory: Path, files: Mapping[str, bytes]) -> Path:
    for name, data in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return directory


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def config_of(
    *tars: bytes, architecture: str = "amd64", os: str = "linux", **settings: Any
) -> bytes:
    diff_ids = [f"sha256:{sha(tar)}" for tar in tars]
    content = {
        "architecture": architecture,
        "os": os,
        "config": settings,
        "rootfs": {"type": "layers", "diff_ids": diff_ids},
    }
    return json.dumps(content).encode()


def saved(*layers: bytes, tags: Sequence[str] = ("excs:1",), **platform: str) -> bytes:
    """As `docker save` of Docker 20 writes it; a layer that comes twice is a link."""
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
    config = config_of(*layers, Entrypoint=["/run"], **platform)
    return _with_manifest(config, f"{sha(config)}.json", names, tags, files, links)


def skopeo(*layers: bytes, tags: Sequence[str] = ("excs:1",)) -> bytes:
    """As `skopeo copy … docker-archive:` does: layers by their hash, links by older names."""
    config = config_of(*layers, Entrypoint=["/run"])
    files = {f"{sha(layer)}.tar": layer for layer in layers}
    links = {f"{n:064}/layer.tar": f"../{sha(layer)}.tar" for n, layer in enumerate(layers)}
    return _with_manifest(config, f"{sha(config)}.json", list(files), tags, files, links)


def crane(*layers: bytes, tags: Sequence[str] = ("excs:1",)) -> bytes:
    """As `crane pull` does: layers packed, the config by its digest."""
    config = config_of(*layers, Entrypoint=["/run"])
    packed = [gzip.compress(layer, mtime=0) for layer in layers]
    files = {f"{sha(data)}.tar.gz": data for data in packed}
    return _with_manifest(config, f"sha256:{sha(config)}", list(files), tags, files, {})


def _with_manifest(
    config: bytes,
    name: str,
    layers: Sequence[str],
    tags: Sequence[str],
    files: Mapping[str, bytes],
    links: Mapping[str, str],
) -> bytes:
    manifest = [{"Config": name, "RepoTags": list(tags), "Layers": list(layers)}]
    return tar_of({**files, name: config, "manifest.json": json.dumps(manifest).encode()}, links)


def _described(kind: str, data: bytes) -> dict[str, Any]:
    return {"mediaType": kind, "digest": f"sha256:{sha(data)}", "size": len(data)}


def _manifest(
    config: bytes, packed: bytes, suffix: str, family: str = "application/vnd.oci.image"
) -> bytes:
    return json.dumps(
        {
            "schemaVersion": 2,
            "config": _described(f"{family}.config.v1+json", config),
            "layers": [_described(f"{family}.layer.v1.tar+{suffix}", packed)],
        }
    ).encode()


def oci(
    layer: bytes,
    architectures: Sequence[str] = ("amd64",),
    packer: Callable[[bytes], bytes] = lambda data: gzip.compress(data, mtime=0),
    suffix: str = "gzip",
) -> tuple[bytes, bytes]:
    """An OCI archive with one layer, and the bytes of its last manifest."""
    packed = packer(layer)
    blobs, described, manifest = [packed], [], b""
    for architecture in architectures:
        config = config_of(layer, architecture=architecture, Cmd=["/run"])
        manifest = _manifest(config, packed, suffix)
        blobs += [config, manifest]
        entry = _described("application/vnd.oci.image.manifest.v1+json", manifest)
        described.append({**entry, "platform": {"os": "linux", "architecture": architecture}})
    files = {"oci-layout": b"{}", "index.json": json.dumps({"manifests": described}).encode()}
    return tar_of(files | {f"blobs/sha256/{sha(data)}": data for data in blobs}), manifest


def skopeo_directory(layer: bytes) -> tuple[dict[str, bytes], bytes]:
    """What `skopeo copy … dir:` writes, and its manifest."""
    config, packed = config_of(layer, Cmd=["/run"]), gzip.compress(layer, mtime=0)
    manifest = _manifest(config, packed, "gzip")
    files = {"version": b"Directory Transport Version: 1.1\n", "manifest.json": manifest}
    return files | {sha(data): data for data in (config, packed)}, manifest


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path
