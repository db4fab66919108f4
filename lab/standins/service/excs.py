"""EXCS: reads Engage's objects from the Config DB and makes them in Genesys Cloud and Redis."""

from __future__ import annotations

import logging
import threading
import time
import uuid
from datetime import UTC, datetime
from typing import Any

from .cloud import Cloud
from .database import ConfigDb, ConfigObject
from .faults import FaultFile
from .settings import Settings
from .store import Store
from .web import Reply

PATHS = {"person": "users", "skill": "skills", "dn": "queues", "agent_group": "groups"}
POLL_SECONDS = 2.0


class Sync:
    """The sync and what /status says of it."""

    def __init__(self, settings: Settings, faults: FaultFile) -> None:
        self._settings = settings
        self._faults = faults
        self.database = ConfigDb(settings)
        self.store = Store(settings)
        self._cloud: Cloud | None = None
        self._status = _phase("InProgress")
        self._previous = self._latest = self._processed = 0
        self._operation = "Initialization"
        self._made = 0

    def cloud(self) -> Cloud:
        """The API client, from the transaction, which goes to Redis for the other services."""
        if self._cloud is None:
            transaction = self.database.transaction()
            self.store.put("hybrid_integration", transaction)
            self._cloud = Cloud(transaction)
        return self._cloud

    def run(self) -> None:
        """Syncs once, then follows the changes."""
        logger = logging.getLogger("service")
        while True:
            try:
                self._pass()
            except Exception as error:  # noqa: BLE001 a dependency is gone: it says so itself; go on later
                self._status = _phase("InProgress")
                logger.warning(f"sync waits: {error}")
            time.sleep(POLL_SECONDS)

    def _pass(self) -> None:
        while self._faults.get("sync_stuck") is not None:
            time.sleep(0.2)
        objects = self.database.objects()
        known = {kind: self.store.ids(kind) for kind in PATHS}
        missing = [each for each in objects if str(each.dbid) not in known[each.kind]]
        if self._status["status"] == "Success" and not missing:
            return
        self._status = _phase("InProgress")
        self._previous, self._latest = self._processed, max([e.hwm for e in objects], default=0)
        for number, each in enumerate(missing):
            self._stand_still_if_told(number, len(missing))
            self._make(each)
        self._processed = self._latest
        self._status = _phase("Success")
        logging.getLogger("service").info(
            f"{self._operation}: {len(missing)} of {len(objects)} objects were made"
        )

    def _stand_still_if_told(self, number: int, of: int) -> None:
        while (stalled := self._faults.get("sync_stalled")) is not None:
            if number < of * float(stalled.get("percent", 40)) / 100:
                return
            time.sleep(0.2)

    def _make(self, each: ConfigObject) -> None:
        cloud = self.cloud()
        started = time.monotonic()
        body = {"name": each.name, "externalId": f"{each.kind}:{each.dbid}"}
        answer = cloud.post(f"/api/v2/{PATHS[each.kind]}", body)
        self.store.put_id(each.kind, str(each.dbid), str(answer["id"]))
        self._processed = each.hwm
        self._made += 1
        pace = 60 / cloud.rate_per_minute
        time.sleep(max(0.0, pace - (time.monotonic() - started)))

    def status_page(self, _query: dict[str, str]) -> Reply:
        """In the shape of the vendor's document."""
        org = self._settings["ORG_ID"]
        wrong = self._faults.get("wrong_answer")
        if wrong is not None and wrong.get("kind") == "org":
            org = str(uuid.UUID(int=0))
        done = self._status["status"] == "Success"
        words = "have been successfully processed" if done else "are being processed"
        message = f"Latest database updates for orgId:{org} {words} on {self._status['timeStamp']}"
        return 200, {
            "status": {"code": 0, "message": message, "corrId": str(uuid.uuid4())},
            "data": {
                "syncStatus": self._status,
                "updateStatus": {
                    **self._status,
                    "previousHWM": self._previous,
                    "latestHWM": self._latest,
                    "processedHWM": self._processed,
                    "operation": self._operation,
                },
            },
        }

    def translate_page(self, query: dict[str, str]) -> Reply:
        """The Genesys Cloud id of an Engage object, for EXCP and EXAS."""
        found = self.store.ids(query.get("type", "")).get(query.get("id", ""))
        return (200, {"id": found}) if found else (404, {"error": "not synced"})

    def metrics(self) -> dict[str, float]:
        return {
            "excs_objects_made_total": self._made,
            "excs_latest_hwm": self._latest,
            "excs_processed_hwm": self._processed,
        }

    def start(self) -> None:
        threading.Thread(target=self.run, daemon=True).start()

    def checks(self) -> dict[str, Any]:
        return {
            "configdb": self.database.check,
            "redis": self.store.check,
            "genesyscloud": lambda: self.cloud().check(),
        }


def _phase(status: str) -> dict[str, str]:
    now = datetime.now(UTC)
    return {
        "timeStamp": f"{now:%Y-%m-%dT%H:%M:%S}.{now.microsecond // 1000:03d}Z",
        "status": status,
    }
