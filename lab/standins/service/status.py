"""How far EXCS's sync is: what Redis keeps of it, and /status in the vendor's shape."""

from __future__ import annotations

import uuid
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

SUCCESS, IN_PROGRESS = "Success", "InProgress"
INITIALIZATION, UPDATE = "Initialization", "Update"
"""Documented are Success and Initialization; the other two are the lab's own words."""


def _now() -> str:
    now = datetime.now(UTC)
    return f"{now:%Y-%m-%dT%H:%M:%S}.{now.microsecond // 1000:03d}Z"


@dataclass(frozen=True)
class SyncState:
    """One state of the sync and since when; HWMs are places in the Config DB's history."""

    status: str = IN_PROGRESS
    previous_hwm: int = 0
    latest_hwm: int = 0
    processed_hwm: int = 0
    operation: str = INITIALIZATION
    at: str = field(default_factory=_now)

    @classmethod
    def from_json(cls, saved: Any) -> SyncState:
        """What Redis kept; the very first state if it kept nothing."""
        return cls(**saved) if isinstance(saved, dict) else cls()

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def is_success(self) -> bool:
        return self.status == SUCCESS

    def page(self, org_id: str) -> dict[str, Any]:
        """Source: the vendor's deployment page, "Run EXEC Services for First Time"."""
        words = "have been successfully processed" if self.is_success else "are being processed"
        message = f"Latest database updates for orgId:{org_id} {words} on {self.at}"
        phase = {"timeStamp": self.at, "status": self.status}
        return {
            "status": {"code": 0, "message": message, "corrId": str(uuid.uuid4())},
            "data": {
                "syncStatus": phase,
                "updateStatus": {
                    **phase,
                    "previousHWM": self.previous_hwm,
                    "latestHWM": self.latest_hwm,
                    "processedHWM": self.processed_hwm,
                    "operation": self.operation,
                },
            },
        }
