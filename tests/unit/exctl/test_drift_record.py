"""When drift was last looked for: what is noted is read as it was."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from exctl.observe import drift_record
from exctl.observe.drift import Drift
from exctl.site import StackPlace


def test_a_look_at_drift_is_noted_by_kind(tmp_path: Path) -> None:
    place = StackPlace(tmp_path, "dev")
    assert drift_record.read(place) is None
    changed = Drift("host changed", "exas", "10.0.0.2", "its container is gone")
    unknown = Drift("unknown", "excs", "10.0.0.1", "the host doesn't say")
    for seen, counts in (
        ([changed, unknown, changed], {"host changed": 2, "unknown": 1}),
        ([], dict[str, int]()),
    ):
        drift_record.keep(place, seen)
        record = drift_record.read(place)
        assert record is not None
        assert record.counts == counts
        assert record.at == pytest.approx(time.time(), abs=60)
