"""Genesys Cloud's API as a client of it asks: a token, then questions. Each answer is data.

Source: Genesys Cloud developer center, "Client Credentials Grant", "Rate Limits"; the platform's
SDKs. The other end's words may quote what it was sent: they aren't taken over.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import requests

from oci.registry import reasons
from stack.text import plain_text

TOKEN_PATH = "/oauth/token"
ORGANIZATION_PATH = "/api/v2/organizations/me"
Kind = Literal[
    "done", "refused", "forbidden", "not found", "too many", "server error", "portal",
    "not understood", "not trusted", "no answer", "proxy", "not reached",
]  # fmt: skip
_KINDS: Mapping[int, Kind] = {401: "refused", 403: "forbidden", 404: "not found", 429: "too many"}


@dataclass(frozen=True)
class Rate:
    """Requests of this minute by this client's token: made, allowed, and seconds to the next."""

    count: int
    allowed: int
    reset_seconds: int | None = None


@dataclass(frozen=True)
class Reply:
    """What came of one question. `done` has a `body`; `portal`: what answers is a web page, or
    sends us to one (`words`: where); `not trusted`: the certificate (`words`: why)."""

    kind: Kind
    code: int | None = None
    body: Mapping[str, Any] = field(default_factory=dict, repr=False)
    rate: Rate | None = None
    retry_after_seconds: int | None = None
    words: str = ""

    @property
    def is_done(self) -> bool:
        return self.kind == "done"


class CloudApi:
    """One region's API over a session; `token` first, whose value nothing ever shows."""

    def __init__(self, session: requests.Session, region: str) -> None:
        self._session = session
        self.api, self.login = f"https://api.{region}", f"https://login.{region}"
        self._token = ""

    def token(self, client_id: str, secret: str) -> Reply:
        """Asks for a token and keeps it. A reply without one isn't understood."""
        reply = self._asked(
            "POST",
            self.login + TOKEN_PATH,
            data={"grant_type": "client_credentials"},
            auth=(client_id, secret),
        )
        if reply.code == 400:
            return Reply("refused", 400)
        if not reply.is_done:
            return reply
        self._token = str(reply.body.get("access_token") or "")
        return Reply("done" if self._token else "not understood", reply.code, rate=reply.rate)

    def get(self, path: str) -> Reply:
        return self._asked(
            "GET", self.api + path, headers={"Authorization": f"Bearer {self._token}"}
        )

    def _asked(self, method: str, url: str, **more: Any) -> Reply:
        try:
            answer = self._session.request(method, url, allow_redirects=False, **more)
            return _of(answer)
        except (requests.RequestException, OSError) as error:
            return _of_error(error)


def _of(answer: requests.Response) -> Reply:
    code, rate = answer.status_code, _rate(answer.headers)
    if 300 <= code < 400:
        where = plain_text(answer.headers.get("Location", "").partition("?")[0])
        return Reply("portal", code, words=where)
    if "html" in answer.headers.get("Content-Type", "").lower() and code < 500:
        return Reply("portal", code)
    retry = _number(answer.headers.get("Retry-After"))
    if code != 200:
        kind = _KINDS.get(code, "server error" if code >= 500 else "not understood")
        return Reply(kind, code, rate=rate, retry_after_seconds=retry)
    try:
        body = answer.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        return Reply("not understood", code, rate=rate)
    return Reply("done", code, body, rate)


def _rate(headers: Mapping[str, str]) -> Rate | None:
    found = [
        _number(headers.get(f"inin-ratelimit-{name}")) for name in ("count", "allowed", "reset")
    ]
    count, allowed, reset = found
    return Rate(count, allowed, reset) if count is not None and allowed is not None else None


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.strip().isdecimal() else None


def _of_error(error: Exception) -> Reply:
    causes = list(reasons(error))
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return Reply("not trusted", words=plain_text(cause.verify_message))
    if any(isinstance(cause, requests.exceptions.ProxyError) for cause in causes):
        refusal = next((str(c) for c in causes if "Tunnel connection failed" in str(c)), "")
        digits = refusal.partition("Tunnel connection failed: ")[2][:3]
        return Reply("proxy", int(digits) if digits.isdecimal() else None)
    if any(isinstance(cause, TimeoutError | requests.Timeout) for cause in causes):
        return Reply("no answer")
    return Reply("not reached")
