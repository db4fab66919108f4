"""What EXAS and EXCP have in common: Redis, EXCS and the API client that EXCS put into Redis."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import urlencode

import redis

from .cloud import Cloud, CloudOf
from .health import Check
from .settings import Settings
from .store import Store
from .sync import TRANSACTION_KEY

TIMEOUT_SECONDS = 2


class Shared:
    """The services that EXCS's sync makes possible; `section` of the transaction is its user's."""

    def __init__(self, settings: Settings, section: str) -> None:
        self.store = Store(settings)
        self._excs_url = settings["EXCS_URL"]
        self._clouds = CloudOf(section)
        self._cloud: Cloud | None = None

    def cloud(self) -> Cloud:
        """The client of the transaction in Redis; the last one while Redis is away."""
        try:
            transaction = self.store.get(TRANSACTION_KEY)
        except redis.RedisError:
            if self._cloud is None:
                raise LookupError("its address is in Redis, which can't be read") from None
            return self._cloud
        if transaction is None:
            raise LookupError(f"Redis has no {TRANSACTION_KEY}: EXCS writes it when it has started")
        self._cloud = self._clouds.get(transaction)
        return self._cloud

    def check_excs(self) -> str:
        """EXCS's URL, if it answers at all: its own dependencies aren't ours."""
        self._ask("/health")
        return self._excs_url

    def translate(self, kind: str, engage_id: str) -> str:
        """The Genesys Cloud id of an Engage object, as EXCS knows it; LookupError if it doesn't."""
        code, found = self._ask(f"/translate?{urlencode({'type': kind, 'id': engage_id})}")
        if code != 200 or not isinstance(found, dict):
            raise LookupError(f"EXCS does not translate {kind} {engage_id} (HTTP {code})")
        return str(found["id"])

    def _ask(self, path: str) -> tuple[int, Any]:
        try:
            with urllib.request.urlopen(self._excs_url + path, timeout=TIMEOUT_SECONDS) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, None
        except TimeoutError:
            raise ConnectionError(f"{self._excs_url} does not answer") from None
        except urllib.error.URLError as error:
            raise ConnectionError(f"{self._excs_url} can't be reached: {error.reason}") from None
        except (OSError, ValueError) as error:
            raise ConnectionError(f"{self._excs_url} does not answer as EXCS: {error}") from None

    def checks(self) -> dict[str, Check]:
        return {
            "redis": self.store.check,
            "excs": self.check_excs,
            "genesyscloud": lambda: self.cloud().check(),
        }
