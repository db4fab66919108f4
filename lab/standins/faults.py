"""The faults that a stand-in can be told to have, and the file that it is told them by."""

from __future__ import annotations

from collections.abc import Mapping

from lab.standins.service.faults import FaultFile

__all__ = ["FAULTS", "FaultFile"]

FAULTS: Mapping[str, str] = {
    "crash": "ends with exit code 1, and again whenever it is started",
    "hang": "takes connections and never answers",
    "slow": "answers late                                          seconds=3",
    "dependency_lost": "says that a dependency is down                        name=redis",
    "wrong_answer": "answers 200 with garbage, or (EXCS) syncs another org  kind=garbage|org",
    "sync_stuck": "EXCS never begins its sync",
    "sync_stalled": "EXCS's sync stands still at a share                   percent=40",
}
