"""Faults on purpose, read from a file beside the logs, so that they outlive a restart."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

Parameters = Mapping[str, Any]
POLL_SECONDS = 0.2


class FaultFile:
    """Fault name → its parameters; a file that isn't there or isn't whole says none."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> dict[str, Parameters]:
        try:
            found = json.loads(self._path.read_text())
        except (OSError, ValueError):
            return {}
        if not isinstance(found, dict):
            return {}
        return {str(name): p if isinstance(p, dict) else {} for name, p in found.items()}

    def get(self, name: str) -> Parameters | None:
        return self.read().get(name)

    def wait_while(self, name: str) -> None:
        """Returns when the fault isn't set, or not any more."""
        while self.get(name) is not None:
            time.sleep(POLL_SECONDS)

    def delay(self) -> None:
        """Waits as long as the fault `slow` says, if it is set."""
        slow = self.get("slow")
        if slow is not None:
            time.sleep(number(slow, "seconds", 3))


class CrashSwitch:
    """Whether the fault `crash` was set since this process started.

    One that is there from the start has been done already: else the restarted container would
    end again, and that is another fault, `crash_at_start`.
    """

    def __init__(self, faults: FaultFile) -> None:
        self._faults = faults
        self._done = faults.get("crash")

    def is_thrown(self) -> bool:
        now = self._faults.get("crash")
        if now is None:
            self._done = None
        return now is not None and now != self._done


def number(parameters: Parameters, name: str, default: float) -> float:
    """A parameter as a number; the default for one that isn't there or isn't a number."""
    try:
        return float(parameters.get(name, default))
    except (TypeError, ValueError):
        return default
