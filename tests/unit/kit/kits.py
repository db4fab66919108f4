"""Kits made by hand: small, and without a program that would run."""

from __future__ import annotations

import gzip
import os
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from kit import archive
from kit.contents import DESCRIPTION, SIGNATURE, Description, KitImage, this_platform
from kit.signature import NAMESPACE, sign
from tests.unit.oci.tars import tar_of

DESCRIBED = Description(
    "0.1.0", "79afde8" + "0" * 33, 1_790_000_000, this_platform(), ("3.11", "3.12"), 1000
)
FILES = {
    "program.tar.gz": gzip.compress(tar_of({"Pulumi.yaml": b"name: exec\n"}), mtime=0),
    "wheels/pip-1-py3-none-any.whl": b"no wheel",
    "README.md": b"#",
}
"""With these an installation goes as far as pip, and fails there."""


def later(seconds: int, version: str = "0.1.0") -> Description:
    revision = f"{seconds:07d}" + "0" * 33
    return replace(
        DESCRIBED, version=version, revision=revision, committed=DESCRIBED.committed + seconds
    )


def unpacked(
    directory: Path,
    described: Description = DESCRIBED,
    files: Mapping[str, bytes] = FILES,
    key: Path | None = None,
) -> Path:
    """A kit's directory, with its checksums, and signed with a key if there is one."""
    for name, data in {**files, DESCRIPTION: described.text().encode()}.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    content = archive.write_checksums(directory)
    if key is not None:
        (directory / SIGNATURE).write_text(sign(content, key, NAMESPACE))
    return directory


def packed(directory: Path, out: Path, described: Description = DESCRIBED) -> Path:
    archive.write(directory, f"exec-kit-{described.name}", described.committed, out)
    return out


def with_images(*images: tuple[str, str, str]) -> Description:
    return replace(DESCRIBED, images=tuple(KitImage(*each) for each in images))


def key_at(path: Path) -> Path:
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(path)], check=True
    )
    return path


def allowed(path: Path, key: Path, name: str = "builder@example.com") -> Path:
    path.write_text(f"{name} {Path(f'{key}.pub').read_text()}")
    return path


def aged(directory: Path) -> None:
    """Gives every file another time, and another mode for others."""
    for path in directory.rglob("*"):
        os.utime(path, (1, 1))
        if path.is_file():
            path.chmod(0o600)
