"""The Genesys Cloud API as the services use it: a token, then requests at the rate it allows."""

from __future__ import annotations

import base64
import json
import os
import ssl
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

AUTHORITY_PATH = "/etc/ssl/lab-ca.pem"
AUTHORITY_VARIABLE = "LAB_CA_PATH"
"""Where the lab's CA is, when a service runs outside its image."""
CHECK_TIMEOUT_SECONDS, TIMEOUT_SECONDS = 2.0, 5.0
CHECK_SECONDS = 5.0
DEFAULT_RATE_PER_MINUTE = 300

Transaction = Mapping[str, Mapping[str, str]]
"""`hybrid_integration`: section of its annex → option → value."""


class CloudError(Exception):
    """What the API answered, in words without a secret."""


class Cloud:
    """A client of one org, with the OAuth client of one section of the transaction."""

    def __init__(
        self,
        transaction: Transaction,
        section: str,
        check_timeout_seconds: float = CHECK_TIMEOUT_SECONDS,
    ) -> None:
        self._check_timeout_seconds = check_timeout_seconds
        try:
            self.url = transaction["general"]["base_service_url"]
            self._auth_url = transaction["general"]["base_auth_url"]
            client = transaction[section]
            pair = f"{client['client_id']}:{client['client_secret']}"
        except KeyError as error:
            raise CloudError(f"transaction hybrid_integration has no {error.args[0]}") from None
        self._basic = base64.b64encode(pair.encode()).decode()
        authority = os.environ.get(AUTHORITY_VARIABLE) or AUTHORITY_PATH
        self._context = ssl.create_default_context(cafile=authority)
        self._token = ""
        self._checked_at: float | None = None
        self._lock = threading.Lock()
        self.rate_per_minute = DEFAULT_RATE_PER_MINUTE

    def check(self) -> str:
        """The API's URL, if a token can be had; asked again every few seconds only."""
        with self._lock:
            now = time.monotonic()
            if self._checked_at is None or now - self._checked_at > CHECK_SECONDS:
                self._checked_at = None
                self._token = self._new_token()
                self._checked_at = now
        return self.url

    def send(self, method: str, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """The answer; waits where the API says that it has been asked too often."""
        has_new_token = False
        while True:
            self.check()
            headers = {
                "Content-Type": "application/json",
                "Authorization": f"Bearer {self._token}",
            }
            request = urllib.request.Request(
                self.url + path, json.dumps(body).encode(), headers, method=method
            )
            try:
                return self._answer(request, TIMEOUT_SECONDS)
            except urllib.error.HTTPError as error:
                with error:
                    code, wait_seconds = error.code, error.headers.get("Retry-After", "1")
            if code == 429:
                time.sleep(float(wait_seconds))
            elif code == 401 and not has_new_token:
                has_new_token, self._checked_at = True, None
            else:
                raise CloudError(f"{method} {path}: HTTP {code}")

    def _new_token(self) -> str:
        request = urllib.request.Request(
            self._auth_url + "/oauth/token",
            b"grant_type=client_credentials",
            {
                "Content-Type": "application/x-www-form-urlencoded",
                "Authorization": f"Basic {self._basic}",
            },
        )
        try:
            return str(self._answer(request, self._check_timeout_seconds)["access_token"])
        except urllib.error.HTTPError as error:
            error.close()
            refused = error.code in (400, 401)
            reason = "refuses the OAuth client" if refused else f"HTTP {error.code}"
            raise CloudError(f"{self._auth_url} {reason}") from None
        except KeyError:
            raise CloudError(f"{self._auth_url} answers without a token") from None

    def _answer(self, request: urllib.request.Request, seconds: float) -> dict[str, Any]:
        """The parsed body; HTTPError as it comes, CloudError for all else that can go wrong."""
        try:
            opened = urllib.request.urlopen(request, timeout=seconds, context=self._context)
            with opened as answer:
                allowed = answer.headers.get("inin-ratelimit-allowed")
                if allowed:
                    self.rate_per_minute = int(allowed)
                found = json.load(answer)
        except urllib.error.HTTPError:
            raise
        except TimeoutError:
            raise CloudError(f"{self.url} does not answer") from None
        except OSError as error:
            reason = error.reason if isinstance(error, urllib.error.URLError) else error
            raise CloudError(f"{self.url} can't be reached: {reason}") from None
        except ValueError:
            raise CloudError(f"{self.url} answers what isn't JSON") from None
        if not isinstance(found, dict):
            raise CloudError(f"{self.url} answers what isn't an object")
        return found


class CloudOf:
    """The client that fits the transaction as it is now: a new one when that has changed."""

    def __init__(self, section: str) -> None:
        self._section = section
        self._transaction: Transaction | None = None
        self._cloud: Cloud | None = None
        self._lock = threading.Lock()

    def get(self, transaction: Transaction) -> Cloud:
        with self._lock:
            if self._cloud is None or transaction != self._transaction:
                self._cloud = Cloud(transaction, self._section)
                self._transaction = transaction
            return self._cloud
