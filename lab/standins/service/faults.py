"""Faults on purpose, read from a file beside the logs, so that they outlive a restart."""

from __future__ import annotations

import json
from pathlib import Path


class FaultFile:
    """Fault name → its parameters; a file that isn't there or isn't whole says none."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> dict[str, dict[str, str]]:
        try:
            found = json.loads(self._path.read_text())
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def get(self, name: str) -> dict[str, str] | None:
        return self.read().get(name)
