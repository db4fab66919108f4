"""EXCS: runs the sync, says how far it is, and translates Engage's ids."""

from __future__ import annotations

import uuid
from collections.abc import Mapping

from .faults import FaultFile
from .health import Check
from .settings import Settings
from .sync import SyncLoop
from .web import Page, Reply


class ConfigSync:
    def __init__(self, settings: Settings, faults: FaultFile) -> None:
        self._org_id = settings["ORG_ID"]
        self._faults = faults
        self._sync = SyncLoop(settings, faults)

    def checks(self) -> dict[str, Check]:
        return {
            "configdb": self._sync.database.check,
            "redis": self._sync.store.check,
            "genesyscloud": self._sync.check_cloud,
        }

    def pages(self) -> dict[str, Page]:
        return {"/status": self._status, "/translate": self._translate}

    def _status(self, _query: Mapping[str, str]) -> Reply:
        wrong = self._faults.get("wrong_answer")
        is_wrong = wrong is not None and wrong.get("kind") == "org"
        return 200, self._sync.state.page(str(uuid.UUID(int=0)) if is_wrong else self._org_id)

    def _translate(self, query: Mapping[str, str]) -> Reply:
        """The Genesys Cloud id of an Engage object, for EXCP and EXAS."""
        kind, engage_id = query.get("type", ""), query.get("id", "")
        found = self._sync.store.id_of(kind, engage_id)
        if found is None:
            return 404, {"error": f"{kind or 'type'} {engage_id or 'id'} is not synced"}
        return 200, {"id": found}

    def metrics(self) -> dict[str, float]:
        return self._sync.metrics()

    def start(self) -> None:
        self._sync.start()
