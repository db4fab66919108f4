"""When the preflight of a stack last ran in this clone, and how it ended: what `exctl exporter`
tells of it. Kept in `.exec`, beside locks and state."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from exctl import files
from exctl.errors import NothingTouched
from exctl.rundir import run_directory
from exctl.site import StackPlace
from health.preflight import report
from health.preflight.finding import Finding


@dataclass(frozen=True)
class PreflightRecord:
    """`at` is in seconds since 1970; `failed` counts the findings that would stop a deployment."""

    at: float
    failed: int
    warning: int

    @property
    def counts(self) -> dict[str, int]:
        """Verdict → number of findings."""
        return {"failed": self.failed, "warning": self.warning}


def keep(place: StackPlace, found: Sequence[Finding]) -> None:
    """Notes a preflight that has just ended. A clone that can't be written to loses the note and
    nothing else: the preflight itself stands."""
    record = PreflightRecord(time.time(), len(report.stopping(found)), len(report.warning(found)))
    with contextlib.suppress(NothingTouched):
        files.write(_path(place), json.dumps(asdict(record)))


def read(place: StackPlace) -> PreflightRecord | None:
    """The last one; None if there was none, or its note can't be read."""
    try:
        content = json.loads(_path(place).read_text(encoding="utf-8"))
        return PreflightRecord(
            float(content["at"]), int(content["failed"]), int(content["warning"])
        )
    except (OSError, ValueError, TypeError, KeyError, NothingTouched):
        return None


def _path(place: StackPlace) -> Path:
    return run_directory(place.project) / f"{place.stack}.preflight.json"
