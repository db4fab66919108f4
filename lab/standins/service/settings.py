"""A service's settings: the variables that its container was given."""

from __future__ import annotations

import os
import sys
from pathlib import Path


class Settings:
    """The variables; asking for one that isn't set ends the service with a clear word."""

    def __getitem__(self, name: str) -> str:
        value = os.environ.get(name)
        if not value:
            print(f"FATAL {name} is not set in the container's environment", file=sys.stderr)
            raise SystemExit(2)
        return value

    def get(self, name: str, default: str = "") -> str:
        return os.environ.get(name) or default

    @property
    def is_redis_secure(self) -> bool:
        return self.get("REDIS_SECURE", "true") == "true"

    @property
    def faults_path(self) -> Path:
        return Path(self.get("LOG_PATH", "/logs")) / ".faults.json"


HOME = Path(__file__).resolve().parents[1]


def version() -> str:
    path = HOME / "VERSION"
    return path.read_text().strip() if path.exists() else "0"


def crashes_at_start() -> bool:
    return (HOME / "CRASH_AT_START").exists()


def tenant_key(settings: Settings, *parts: str) -> str:
    """A Redis key of this tenant and org."""
    return ":".join(["exec", settings["TENANT_ID"], settings["ORG_ID"], *parts])
