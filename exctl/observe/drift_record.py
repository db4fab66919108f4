"""When drift was last looked for in this clone, and how much was found: what a look at all stacks
tells of it. Kept in `.exec`, beside locks and state."""

from __future__ import annotations

import contextlib
import json
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from exctl import files
from exctl.errors import NothingTouched
from exctl.observe.drift import Drift
from exctl.rundir import run_directory
from exctl.site import StackPlace


@dataclass(frozen=True)
class DriftRecord:
    """`at` is in seconds since 1970; `counts`: kind → number of differences."""

    at: float
    counts: Mapping[str, int]


def keep(place: StackPlace, found: Sequence[Drift]) -> None:
    """Notes a look that has just ended. A clone that can't be written to loses the note alone."""
    counts = dict(Counter(str(each.kind) for each in found))
    with contextlib.suppress(NothingTouched):
        files.write(_path(place), json.dumps(asdict(DriftRecord(time.time(), counts))))


def read(place: StackPlace) -> DriftRecord | None:
    """The last one; None if there was none, or its note can't be read."""
    try:
        content = json.loads(_path(place).read_text(encoding="utf-8"))
        counts = {str(kind): int(count) for kind, count in content["counts"].items()}
        return DriftRecord(float(content["at"]), counts)
    except (OSError, ValueError, TypeError, KeyError, AttributeError, NothingTouched):
        return None


def _path(place: StackPlace) -> Path:
    return run_directory(place.project) / f"{place.stack}.drift.json"
