"""Alertmanager is told to keep back, while a run is under way, what the run itself brings about.

Exactly that: alerts that a deployment is expected to cause, for the instances that it touches. The
silence is short and renewed, so that it ends soon after a run that was killed.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import requests

from health.runlock import user_name
from monitoring.alerts import EXPECTED
from stack.layout import Instance

SILENCES, ONE = "/api/v2/silences", "/api/v2/silence/"
LASTS = timedelta(minutes=5)
"""Chosen: an outage right after a run that was killed is told five minutes late at most."""
RENEWED_SECONDS = 60.0
TIMEOUT_SECONDS = 5.0
Say = Callable[[str], None]


@contextmanager
def silenced(
    url: str | None,
    stack: str,
    touched: Sequence[Instance],
    why: str,
    say: Say,
    renewed_seconds: float = RENEWED_SECONDS,
) -> Iterator[None]:
    """Keeps back the expected alerts of these instances until the block ends, whatever ends it;
    does nothing without an address or instances.

    An Alertmanager that doesn't answer is named once: who is told too much is told, and the run
    goes on.
    """
    if url is None or not touched:
        yield
        return
    keeper = _Keeper(url.rstrip("/"), [_silence(m, why) for m in matchers(stack, touched)], say)
    keeper.renew()
    thread = threading.Thread(target=keeper.run, args=(renewed_seconds,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        keeper.ended.set()
        thread.join(2 * TIMEOUT_SECONDS)
        keeper.end()


def matchers(stack: str, touched: Sequence[Instance]) -> list[list[dict[str, Any]]]:
    """What a silence matches, all of it at once, for each silence: alerts of the instances by name,
    and those of their pairs or of the stack, which name no instance."""
    names = [i.key for i in touched]
    pairs = sorted({i.pair for i in touched if i.pair is not None})
    common = [_is("stack", stack), *(_is(name, value) for name, value in EXPECTED.items())]
    return [
        [*common, _one_of("instance", names)],
        [*common, _is("instance", ""), _one_of("pair", ["", *pairs])],
    ]


def _is(name: str, value: str) -> dict[str, Any]:
    return {"name": name, "value": value, "isRegex": False, "isEqual": True}


def _one_of(name: str, values: Sequence[str]) -> dict[str, Any]:
    pattern = "|".join(map(re.escape, values))
    return {"name": name, "value": pattern, "isRegex": True, "isEqual": True}


def _silence(matching: list[dict[str, Any]], why: str) -> dict[str, Any]:
    return {"matchers": matching, "createdBy": f"exctl ({user_name()})", "comment": why}


class _Keeper:
    """Makes the silences, renews them while the run goes on, and ends them."""

    def __init__(self, url: str, wanted: Sequence[dict[str, Any]], say: Say) -> None:
        self._url, self._wanted, self._say = url, wanted, say
        self._ids: list[str] = [""] * len(wanted)
        self._began = datetime.now(UTC).isoformat()
        self._is_told = False
        self.ended = threading.Event()

    def run(self, renewed_seconds: float) -> None:
        while not self.ended.wait(renewed_seconds):
            self.renew()

    def renew(self) -> None:
        """Alertmanager takes one with the id of another for a change of that one, as long as it
        begins when that one began. Source: its API, postSilences."""
        ends = datetime.now(UTC) + LASTS
        times = {"startsAt": self._began, "endsAt": ends.isoformat()}
        for number, wanted in enumerate(self._wanted):
            known = {"id": self._ids[number]} if self._ids[number] else {}
            answer = self._ask("POST", SILENCES, wanted | times | known)
            if answer is not None:
                self._ids[number] = str(answer.get("silenceID") or "")

    def end(self) -> None:
        for identity in filter(None, self._ids):
            self._ask("DELETE", ONE + identity, None)

    def _ask(self, method: str, path: str, body: object) -> dict[str, Any] | None:
        """The answer as a mapping, empty if it has none; None if there was no good answer."""
        try:
            with requests.Session() as session:
                session.trust_env = False
                answer = session.request(
                    method, self._url + path, json=body, timeout=TIMEOUT_SECONDS
                )
            answer.raise_for_status()
            found = answer.json() if answer.content else {}
            return found if isinstance(found, dict) else {}
        except (requests.RequestException, ValueError) as error:
            if not self._is_told:
                why = type(error).__name__
                self._say(
                    f"warning: {self._url} accepts no silence ({why}), so alerts of this run may"
                    f" notify somebody"
                )
            self._is_told = True
            return None
