"""A service's settings: the variables that its container was given, and what is wrong with them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from .lines import addresses

COMMON = ("ORG_ID", "TENANT_ID", "REDIS_HOST", "REDIS_PORT", "PORT")
NEEDED: Mapping[str, tuple[str, ...]] = {
    "excs": (
        *COMMON,
        *(f"CONFIG_DB_{word}" for word in ("HOST", "PORT", "USER", "PASSWORD", "NAME")),
        "GC_QUEUE_NAME_SUFFIX",
    ),
    "exas": (
        *COMMON,
        *(
            f"STAT_SERVER_{role}_{word}"
            for role in ("PRIMARY", "BACKUP")
            for word in ("HOST", "PORT")
        ),
        "EXCS_URL",
    ),
    "excp": (*COMMON, *(f"VOICE_SERVER_{kind}" for kind in ("VQ", "AGENT", "CALL")), "EXCS_URL"),
}
LOG_LEVELS = ("trace", "debug", "info", "warn", "error", "fatal")
DEFAULT_LOG_PATH = "/logs"


class Settings:
    """The variables by name; `problems` says beforehand which a service would miss."""

    def __init__(self, service: str, environment: Mapping[str, str] = os.environ) -> None:
        self.service = service
        self._environment = environment

    def __getitem__(self, name: str) -> str:
        return self._environment[name]

    def get(self, name: str, default: str = "") -> str:
        return self._environment.get(name) or default

    def problems(self) -> list[str]:
        """A sentence for each variable that is missing or wrong; values of secrets aren't in it."""
        return [*self._missing(), *self._wrong()]

    def _missing(self) -> Iterator[str]:
        names = list(NEEDED[self.service])
        if self.get("REDIS_SECURE") == "true":
            names.append("REDIS_PASSWORD")
        if self.get("LOG_PATH"):
            names.append(self.log_name_variable)
        if self.syncs_customer_folders_only:
            names.append("SYNC_CUSTOMER_FOLDER_NAME")
        for name in names:
            if not self.get(name):
                yield f"{name} is not set in the container's environment"

    def _wrong(self) -> Iterator[str]:
        for name in NEEDED[self.service]:
            value = self.get(name)
            if not value:
                continue
            if name.endswith("PORT") and not (value.isdigit() and 0 < int(value) < 65536):
                yield f"{name} is {value!r}: a port is a number from 1 to 65535"
            if name.startswith("VOICE_SERVER_"):
                yield from _wrong_servers(name, value)
        if self.get("LOG_LEVEL", "info") not in LOG_LEVELS:
            yield f"LOG_LEVEL is {self.get('LOG_LEVEL')!r}: it is one of {', '.join(LOG_LEVELS)}"
        if self.get("CONFIG_DB_TYPE", "postgresql") != "postgresql":
            found = self.get("CONFIG_DB_TYPE")
            yield f"CONFIG_DB_TYPE is {found!r}: this stand-in reads postgresql only"

    @property
    def log_name_variable(self) -> str:
        """The vendor spells EXCP's with one more underscore."""
        return "LOG_FILE_NAME" if self.service == "excp" else "LOG_FILENAME"

    @property
    def is_redis_secure(self) -> bool:
        return self.get("REDIS_SECURE", "true") == "true" and bool(self.get("REDIS_PASSWORD"))

    @property
    def syncs_customer_folders_only(self) -> bool:
        return self.get("SYNC_CUSTOMER_OBJECTS_ONLY") == "true"

    @property
    def customer_folders(self) -> list[str]:
        names = self.get("SYNC_CUSTOMER_FOLDER_NAME").split(",")
        return [name.strip() for name in names if name.strip()]

    @property
    def faults_path(self) -> Path:
        return Path(self.get("LOG_PATH", DEFAULT_LOG_PATH)) / ".faults.json"


def _wrong_servers(name: str, value: str) -> Iterator[str]:
    for server in value.split(","):
        try:
            addresses(server)
        except ValueError as error:
            yield f"{name}: {error}"


HOME = Path(__file__).resolve().parents[1]


def version() -> str:
    path = HOME / "VERSION"
    return path.read_text().strip() if path.exists() else "0"


def crashes_at_start() -> bool:
    """Whether this image was built to be a bad one."""
    return (HOME / "CRASH_AT_START").exists()
