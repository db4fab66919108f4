"""The Genesys Cloud API as the services use it: a token, then requests at the rate it allows."""

from __future__ import annotations

import json
import ssl
import threading
import time
import urllib.error
import urllib.request
from typing import Any

AUTHORITY_PATH = "/etc/ssl/lab-ca.pem"
TIMEOUT_SECONDS = 5
CHECK_SECONDS = 5
DEFAULT_RATE_PER_MINUTE = 300


class CloudError(Exception):
    """What the API answered, in words without a secret."""


class Cloud:
    """A client of one org; `transaction` is the content of `hybrid_integration`."""

    def __init__(self, transaction: dict[str, str], authority_path: str = AUTHORITY_PATH) -> None:
        self._url = transaction["url"]
        self._client = (transaction["client_id"], transaction["client_secret"])
        self._context = ssl.create_default_context(cafile=authority_path)
        self._token = ""
        self._checked_at = 0.0
        self._lock = threading.Lock()
        self.rate_per_minute = DEFAULT_RATE_PER_MINUTE

    def check(self) -> str:
        """Whether a token can be had; asked anew every few seconds only."""
        with self._lock:
            if time.monotonic() - self._checked_at > CHECK_SECONDS:
                self._token = self._new_token()
                self._checked_at = time.monotonic()
        return self._url

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """The answer; waits where the API says that it has been asked too often."""
        while True:
            self.check()
            request = self._request(path, json.dumps(body).encode())
            request.add_header("Authorization", f"Bearer {self._token}")
            try:
                return self._answer(request)
            except urllib.error.HTTPError as error:
                if error.code != 429:
                    raise CloudError(f"{path}: HTTP {error.code}") from None
                time.sleep(float(error.headers.get("Retry-After", "1")))

    def _new_token(self) -> str:
        name, secret = self._client
        body = {"grant_type": "client_credentials", "client_id": name, "client_secret": secret}
        try:
            token = self._answer(self._request("/oauth/token", json.dumps(body).encode()))
        except urllib.error.HTTPError as error:
            reason = "the OAuth client is refused" if error.code == 401 else f"HTTP {error.code}"
            raise CloudError(f"{self._url}: {reason}") from None
        return str(token["access_token"])

    def _request(self, path: str, body: bytes) -> urllib.request.Request:
        headers = {"Content-Type": "application/json"}
        return urllib.request.Request(self._url + path, body, headers)

    def _answer(self, request: urllib.request.Request) -> dict[str, Any]:
        try:
            with urllib.request.urlopen(
                request, timeout=TIMEOUT_SECONDS, context=self._context
            ) as answer:
                allowed = answer.headers.get("inin-ratelimit-allowed")
                if allowed:
                    self.rate_per_minute = int(allowed)
                found: dict[str, Any] = json.load(answer)
                return found
        except urllib.error.HTTPError:
            raise
        except OSError as error:
            raise CloudError(f"{self._url} can't be reached: {error}") from None
