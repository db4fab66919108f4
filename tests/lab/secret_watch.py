"""A watcher that looks for secrets where other users could read them, for as long as a story lasts:
on every process's command line, and in every temporary file; each in any spelling of it."""

from __future__ import annotations

import json
import os
import threading
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote, quote_plus

LOOK_INTERVAL_SECONDS = 0.02
FILE_LIMIT_BYTES = 4 << 20


class SecretWatch:
    """`found` says where. A look takes milliseconds: what lives for 50 of them is seen."""

    def __init__(self, secrets: Iterable[str], directory: Path) -> None:
        self.found: set[str] = set()
        self.looks = 0
        self._secrets = spellings(secrets)
        self._directory = directory
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> SecretWatch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(5)

    def _watch(self) -> None:
        while not self._stop.wait(LOOK_INTERVAL_SECONDS):
            for process in Path("/proc").glob("[0-9]*"):
                with suppress(OSError):  # it has ended meanwhile
                    self._look(process / "cmdline")
            self.found |= set(files_with(self._secrets, self._directory))
            self.looks += 1

    def _look(self, path: Path) -> None:
        words = path.read_bytes()
        if any(secret in words for secret in self._secrets):
            self.found.add(f"{path}: {words.split(bytes(1))[0].decode(errors='replace')} …")


def spellings(secrets: Iterable[str]) -> list[bytes]:
    """How each may be written: plain, in JSON, in a URL, in base64, alone or within more."""
    found: set[bytes] = set()
    for secret in secrets:
        texts = (secret, json.dumps(secret)[1:-1], quote(secret, safe=""), quote_plus(secret))
        found.update(text.encode() for text in texts)
        raw = secret.encode()
        for before in range(3):  # bytes that shift all that follows
            # Only the characters that depend on nothing but the secret.
            first, last = -(-before * 8 // 6), (before + len(raw)) * 8 // 6
            for encode in (b64encode, urlsafe_b64encode):
                found.add(encode(bytes(before) + raw)[first:last])
    return sorted(found)


def files_with(secrets: Iterable[bytes], directory: Path) -> list[str]:
    """The files below that hold one of the secrets."""
    wanted = list(secrets)
    found = []
    # Not rglob, which fails at a directory that goes away while it looks.
    for path in (Path(base, name) for base, _, names in os.walk(directory) for name in names):
        with suppress(OSError):
            if path.is_symlink() or not path.is_file() or path.stat().st_size > FILE_LIMIT_BYTES:
                continue
            content = path.read_bytes()
            if any(secret in content for secret in wanted):
                found.append(str(path))
    return found
