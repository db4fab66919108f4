"""What EXAS and EXCP have in common: Redis, EXCS and the API client that EXCS put into Redis."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

from .cloud import Cloud
from .settings import Settings
from .store import Store


class Shared:
    """The services that EXCS's sync makes possible."""

    def __init__(self, settings: Settings) -> None:
        self.store = Store(settings)
        self._excs_url = settings["EXCS_URL"]
        self._cloud: Cloud | None = None

    def cloud(self) -> Cloud:
        if self._cloud is None:
            transaction = self.store.get("hybrid_integration")
            if transaction is None:
                raise LookupError("Redis has no hybrid_integration yet: EXCS writes it")
            self._cloud = Cloud(transaction)
        return self._cloud

    def check_excs(self) -> str:
        self._ask("/status")
        return self._excs_url

    def translate(self, kind: str, engage_id: str) -> str:
        """The Genesys Cloud id of an Engage object, as EXCS knows it."""
        return str(self._ask(f"/translate?type={kind}&id={engage_id}")["id"])

    def _ask(self, path: str) -> dict[str, Any]:
        try:
            with urllib.request.urlopen(self._excs_url + path, timeout=2) as answer:
                found: dict[str, Any] = json.load(answer)
                return found
        except urllib.error.HTTPError as error:
            raise ConnectionError(f"{self._excs_url}{path}: HTTP {error.code}") from None
        except (OSError, ValueError) as error:
            raise ConnectionError(f"{self._excs_url}: {error}") from None

    def checks(self) -> dict[str, Any]:
        return {
            "redis": self.store.check,
            "excs": self.check_excs,
            "genesyscloud": lambda: self.cloud().check(),
        }
