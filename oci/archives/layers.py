"""The parts of an image that a registry wants: layers, packed as every Docker reads them."""

from __future__ import annotations

import gzip
import hashlib
import io
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from oci.archives.streams import BLOCK, buffered, packing_of, unpacked
from oci.manifest import LAYER_TYPE, Descriptor


@dataclass(frozen=True)
class Part:
    """A config or a layer: its description, and its bytes, in a file or here."""

    described: Descriptor
    path: Path | None = None
    data: bytes = b""

    def open(self) -> IO[bytes]:
        return self.path.open("rb") if self.path is not None else io.BytesIO(self.data)


class Tee:
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


def layer_of(stream: IO[bytes], path: Path) -> tuple[Part, str]:
    """A tar as a layer in a file, and the hash of the tar unpacked.

    What gzip has packed stays as it is; anything else is packed by gzip, which every Docker reads,
    so that the same tar always gives the same bytes.
    """
    plain = hashlib.sha256()
    source = buffered(stream)
    with path.open("wb") as file:
        tee = Tee(file)
        if packing_of(source) == "gzip":
            shutil.copyfileobj(source, tee, BLOCK)
            file.flush()
            with gzip.open(path) as again:
                while data := again.read(BLOCK):
                    plain.update(data)
        else:
            tar, _ = unpacked(source)
            with gzip.GzipFile("", "wb", 6, tee, mtime=0) as packed:
                while data := tar.read(BLOCK):
                    plain.update(data)
                    packed.write(data)
    found = Descriptor(LAYER_TYPE, tee.size, f"sha256:{tee.hash.hexdigest()}")
    return Part(found, path), f"sha256:{plain.hexdigest()}"
