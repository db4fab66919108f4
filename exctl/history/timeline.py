"""When a run did what: its steps and the progress of its sync, as its record keeps them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

SAMPLES = 120
"""Chosen: more than a chart has room for, and less than a record may weigh."""


@dataclass
class Timeline:
    """Collects them while a run goes on; seconds count from its begin."""

    _steps: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    _sync: list[tuple[float, int, int]] = field(default_factory=list)
    _apart_seconds: float = 0.0

    def note(self, seconds: float, kind: str, facts: Mapping[str, Any]) -> None:
        """A fact of the run; what is neither a step nor a sync's progress is passed over."""
        if kind == "step":
            self._step(round(seconds, 1), facts)
        elif kind == "syncing":
            self._progress(round(seconds, 1), facts)

    def _step(self, seconds: float, facts: Mapping[str, Any]) -> None:
        """Of several steps of one kind, as a replacement has, the first begins and the last ends
        it."""
        step = self._steps.setdefault(
            (facts["instance"], facts["what"]),
            {"instance": facts["instance"], "what": facts["what"], "begun_seconds": seconds},
        )
        step["state"] = facts["state"]
        if facts["state"] != "begun":
            step["ended_seconds"] = seconds

    def _progress(self, seconds: float, facts: Mapping[str, Any]) -> None:
        latest, processed = facts.get("latest_hwm"), facts.get("processed_hwm")
        if latest is None or processed is None:
            return
        if self._sync and seconds - self._sync[-1][0] < self._apart_seconds:
            return
        self._sync.append((seconds, processed, latest))
        if len(self._sync) > SAMPLES:
            del self._sync[1::2]
            self._apart_seconds = 2 * (self._sync[2][0] - self._sync[1][0])

    def as_data(self) -> dict[str, Any]:
        """`timeline`: steps with their begin and end (none: it never came); `sync_progress`:
        seconds, processed and latest mark. Neither where there was nothing of the kind."""
        found: dict[str, Any] = {}
        if self._steps:
            found["timeline"] = list(self._steps.values())
        if self._sync:
            found["sync_progress"] = [list(sample) for sample in self._sync]
        return found
