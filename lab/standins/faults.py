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
    "wrong_answer": "answers 200 with garbage, EXCS and cloud another org  kind=garbage|org",
    "error": "the cloud answers each request so                     code=403 at=api|token",
    "portal": "a web page answers in the cloud's stead                form=redirect|page",
    "sync_stuck": "EXCS never begins its sync",
    "sync_stalled": "EXCS's sync stands still at a share                   percent=40",
}
_ALL = ("crash", "hang", "slow", "wrong_answer")
_SERVICES = (*_ALL, "crash_at_start", "dependency_lost")
_CLOUD = (*_ALL, "error", "portal")
_EXCS = (*_SERVICES, "sync_stuck", "sync_stalled")


def faults_of(standin: str) -> Mapping[str, str]:
    """The faults that a stand-in knows, by its name in the lab: `excp-1-2`, `sip-backup`, `cloud`.

    The file would take any other one too, but nothing would come of it.
    """
    service = standin.split("-")[0]
    of = {"excs": _EXCS, "exas": _SERVICES, "excp": _SERVICES, "cloud": _CLOUD}
    names = of.get(service, _ALL)
    return {name: text for name, text in FAULTS.items() if name in names}
