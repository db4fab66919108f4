"""The sync: objects of the Config DB become objects in Genesys Cloud, and ids in Redis."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from .cloud import Cloud, CloudOf
from .database import ConfigObject, DatabaseReader
from .faults import FaultFile, number
from .settings import Settings
from .status import IN_PROGRESS, INITIALIZATION, SUCCESS, UPDATE, SyncState
from .store import Store

PATHS = {
    "person": "/api/v2/users",
    "skill": "/api/v2/routing/skills",
    "dn": "/api/v2/routing/queues",
    "wrapup_code": "/api/v2/routing/wrapupcodes",
    "agent_group": "/api/v2/groups",
}
POLL_SECONDS = 2.0
SECTION = "config_sync"
TRANSACTION_KEY, STATE_KEY = "hybrid_integration", "sync"


class SyncLoop:
    """Brings Genesys Cloud up to the Config DB, again and again, at the API's pace."""

    def __init__(self, settings: Settings, faults: FaultFile) -> None:
        self._settings = settings
        self._faults = faults
        self._log = logging.getLogger("service")
        self.database = DatabaseReader(settings)
        self.store = Store(settings)
        self._clouds = CloudOf(SECTION)
        self._cloud: Cloud | None = None
        self._fingerprint: tuple[int, ...] = ()
        self._problem = ""
        self._passes = 0
        self.state = SyncState()
        self.made = 0

    def start(self) -> None:
        threading.Thread(target=self._run, daemon=True).start()

    def check_cloud(self) -> str:
        if self._cloud is None:
            raise LookupError("its address is unknown before the Config DB has been read")
        return self._cloud.check()

    def _read_transaction(self) -> Cloud:
        """The API client of the transaction, which goes to Redis for the other services."""
        transaction = self.database.transaction()
        self._cloud = self._clouds.get(transaction)
        if self.store.get(TRANSACTION_KEY) != transaction:
            self.store.put(TRANSACTION_KEY, transaction)
        return self._cloud

    def _run(self) -> None:
        is_loaded = False
        while True:
            try:
                if not is_loaded:
                    self.state = SyncState.from_json(self.store.get(STATE_KEY))
                    is_loaded = True
                self._look()
                self._problem = ""
            except Exception as error:  # noqa: BLE001 a dependency is gone: it says so itself; go on later
                self._warn_once(f"sync waits: {' '.join(str(error).split())}")
            time.sleep(POLL_SECONDS)

    def _look(self) -> None:
        """One pass, if anything has changed since the last one."""
        cloud = self._read_transaction()
        self._faults.wait_while("sync_stuck")
        fingerprint = self.database.fingerprint()
        # Redis may have been emptied meanwhile.
        if fingerprint == self._fingerprint and self.store.get(STATE_KEY) is not None:
            return
        unknown = self.database.unknown_folders()
        if unknown:
            self._log.warning(f"the Config DB has no folder {', '.join(unknown)}")
        self._pass(cloud, self.database.objects())
        self._fingerprint = fingerprint

    def _pass(self, cloud: Cloud, objects: Sequence[ConfigObject]) -> None:
        synced = {kind: self.store.synced_hwms(kind) for kind in PATHS}
        ids = {kind: self.store.ids(kind) for kind in PATHS}
        todo = [each for each in objects if synced[each.kind].get(str(each.dbid)) != each.hwm]
        present = {(each.kind, str(each.dbid)) for each in objects}
        gone = [(kind, dbid) for kind in PATHS for dbid in ids[kind] if (kind, dbid) not in present]
        if todo or gone:
            self._begin(objects, todo)
        for done, each in enumerate(todo):
            self._stand_still_if_told(done, len(todo))
            self._sync(cloud, each, ids[each.kind].get(str(each.dbid)))
        for kind, dbid in gone:
            self._remove(cloud, kind, dbid, ids[kind][dbid])
        self._succeed(objects, len(todo), len(gone))

    def _begin(self, objects: Sequence[ConfigObject], todo: Sequence[ConfigObject]) -> None:
        first = todo[0].hwm if todo else 0
        saved = SyncState.from_json(self.store.get(STATE_KEY))
        self._set(
            SyncState(
                status=IN_PROGRESS,
                # That of the last whole sync: one that was interrupted resumes where it was.
                previous_hwm=saved.latest_hwm if saved.is_success else saved.previous_hwm,
                latest_hwm=_latest(objects),
                processed_hwm=max((e.hwm for e in objects if e.hwm < first), default=0),
                operation=UPDATE if self._passes else INITIALIZATION,
            )
        )

    def _succeed(self, objects: Sequence[ConfigObject], done: int, removed: int) -> None:
        latest = _latest(objects)
        self._set(
            SyncState(
                status=SUCCESS,
                previous_hwm=self.state.previous_hwm,
                latest_hwm=latest,
                processed_hwm=latest,
                operation=UPDATE if self._passes else INITIALIZATION,
            )
        )
        self._passes += 1
        self._log.info(
            f"{self.state.operation}: of {len(objects)} objects {done} were synced; {removed} gone"
        )

    def _set(self, state: SyncState) -> None:
        self.state = state
        self.store.put(STATE_KEY, state.as_json())

    def _stand_still_if_told(self, done: int, of: int) -> None:
        while (stalled := self._faults.get("sync_stalled")) is not None:
            if done < of * number(stalled, "percent", 40) / 100:
                return
            time.sleep(0.2)

    def _sync(self, cloud: Cloud, each: ConfigObject, cloud_id: str | None) -> None:
        started = time.monotonic()
        body = {"name": self._name(each), "externalId": f"{each.kind}:{each.dbid}"}
        if cloud_id is None:
            cloud_id = str(cloud.send("POST", PATHS[each.kind], body)["id"])
            self.made += 1
        else:
            cloud.send("PATCH", f"{PATHS[each.kind]}/{cloud_id}", body)
        self.store.put_synced(each.kind, str(each.dbid), cloud_id, each.hwm)
        self.state = replace(self.state, processed_hwm=each.hwm)
        pace = 60 / cloud.rate_per_minute
        time.sleep(max(0.0, pace - (time.monotonic() - started)))

    def _name(self, each: ConfigObject) -> str:
        suffix = self._settings["GC_QUEUE_NAME_SUFFIX"] if each.kind == "dn" else ""
        return each.name + suffix

    def _remove(self, cloud: Cloud, kind: str, dbid: str, cloud_id: str) -> None:
        """A person becomes inactive; all else stays in the org, for its admin to delete."""
        if kind == "person":
            cloud.send("PATCH", f"{PATHS[kind]}/{cloud_id}", {"state": "inactive"})
        self.store.forget(kind, dbid)

    def _warn_once(self, problem: str) -> None:
        if problem != self._problem:
            self._log.warning(problem)
        self._problem = problem

    def metrics(self) -> dict[str, Any]:
        return {
            "excs_objects_made_total": self.made,
            "excs_latest_hwm": self.state.latest_hwm,
            "excs_processed_hwm": self.state.processed_hwm,
        }


def _latest(objects: Sequence[ConfigObject]) -> int:
    return max((each.hwm for each in objects), default=0)
