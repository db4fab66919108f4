"""The faults that a stand-in can be told to have, and the file that it is told them by."""

from __future__ import annotations

from collections.abc import Mapping

from lab.standins.service.faults import FaultFile, number

__all__ = ["FAULTS", "FaultFile", "faults_of", "number"]

FAULTS: Mapping[str, str] = {
    "crash": "a service ends once with exit code 1; Engage and cloud: refuse connections",
    "crash_at_start": "a service ends with exit code 1 whenever it is started",
    "hang": "takes connections and never answers",
    "slow": "answers late                                          seconds=3",
    "dependency_lost": "a service says that a dependency is down              name=redis",
    "wrong_answer": "answers 200 with garbage, or EXCS with another org    kind=garbage|org",
    "sync_stuck": "EXCS never begins its sync",
    "sync_stalled": "EXCS's sync stands still at a share                   percent=40",
}
_ALL = ("crash", "hang", "slow", "wrong_answer")
_SERVICES = (*_ALL, "crash_at_start", "dependency_lost")
_EXCS = (*_SERVICES, "sync_stuck", "sync_stalled")


def faults_of(standin: str) -> Mapping[str, str]:
    """The faults that a stand-in knows, by its name in the lab: `excp-1-2`, `sip-backup`, `cloud`.

    The file would take any other one too, but nothing would come of it.
    """
    service = standin.split("-")[0]
    names = _EXCS if service == "excs" else _SERVICES if service in ("exas", "excp") else _ALL
    return {name: text for name, text in FAULTS.items() if name in names}
