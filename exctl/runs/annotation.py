"""A run as a mark in Grafana: from when to when, what it touched, how it ended.

Made when the run begins, so that a run that is killed has one too, and given its end when it ends.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import requests

from monitoring.dashboards_tags import run_tags

ANNOTATIONS = "/api/annotations"
TIMEOUT_SECONDS = 5.0
Say = Callable[[str], None]


@dataclass(frozen=True)
class Login:
    """A service account's token; or, for a Grafana that is placed by us, its admin's password."""

    token: str = ""
    password: str = ""

    def apply(self, session: requests.Session) -> None:
        if self.token:
            session.headers["Authorization"] = f"Bearer {self.token}"
        else:
            session.auth = ("admin", self.password)


@contextmanager
def annotated(
    url: str | None, login: Login, stack: str, touched: Sequence[str], why: str, say: Say
) -> Iterator[None]:
    """Marks the run in Grafana until the block ends, whatever ends it; does nothing without an
    address or instances. A Grafana that doesn't answer is named once, and the run goes on."""
    if url is None or not touched:
        yield
        return
    text = f"{why}: {', '.join(touched)}"
    mark = _Mark(url.rstrip("/"), login, say)
    mark.begin({"time": _now(), "tags": run_tags(stack), "text": text})
    result = "failed or was interrupted"
    try:
        yield
        result = "done"
    finally:
        mark.end({"timeEnd": _now(), "text": f"{text} ({result})"})


def _now() -> int:
    """Milliseconds since 1970, as Grafana has times."""
    return round(time.time() * 1000)


class _Mark:
    def __init__(self, url: str, login: Login, say: Say) -> None:
        self._url, self._login, self._say = url, login, say
        self._id: int | None = None

    def begin(self, body: dict[str, Any]) -> None:
        found = self._ask("POST", ANNOTATIONS, body)
        self._id = found.get("id") if found is not None else None

    def end(self, body: dict[str, Any]) -> None:
        if self._id is not None:
            self._ask("PATCH", f"{ANNOTATIONS}/{self._id}", body)

    def _ask(self, method: str, path: str, body: dict[str, Any]) -> dict[str, Any] | None:
        try:
            with requests.Session() as session:
                session.trust_env = False
                self._login.apply(session)
                answer = session.request(
                    method, self._url + path, json=body, timeout=TIMEOUT_SECONDS
                )
            answer.raise_for_status()
            found = answer.json()
            return found if isinstance(found, dict) else {}
        except (requests.RequestException, ValueError) as error:
            code = getattr(getattr(error, "response", None), "status_code", None)
            refused = "refuses the login" if code in (401, 403) else type(error).__name__
            self._say(f"warning: {self._url} accepts no annotation of this run ({refused})")
            return None
