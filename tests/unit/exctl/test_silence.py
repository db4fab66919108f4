"""What Alertmanager is told while a run goes on: exactly what is touched, and an end of it."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from exctl.runs.silence import matchers, silenced
from monitoring.alerts import ALERTS
from tests.unit.exctl.http_server import serving
from tests.unit.exctl.sites import make_site

INSTANCES = make_site(pairs=2).layout.instances
PAIR_1 = [i for i in INSTANCES if i.pair == "1"]


@dataclass
class Alertmanager:
    """A server that takes silences, and what it was told."""

    url: str = ""
    asked: list[tuple[str, str]] = field(default_factory=list)
    posted: list[dict[str, Any]] = field(default_factory=list)
    code: int = 200


@pytest.fixture
def alertmanager() -> Iterator[Alertmanager]:
    found = Alertmanager()

    def answer(request: BaseHTTPRequestHandler, body: bytes) -> tuple[int, bytes]:
        found.asked.append((request.command, request.path))
        if body:
            found.posted.append(json.loads(body))
        return found.code, json.dumps({"silenceID": f"id-{len(found.posted)}"}).encode()

    with serving(answer) as found.url:
        yield found


def matches(labels: dict[str, str]) -> bool:
    """Whether one of the silences for pair 1 would keep back an alert with these labels."""

    def fits(matcher: dict[str, Any]) -> bool:
        value = labels.get(matcher["name"], "")
        if matcher["isRegex"]:
            return re.fullmatch(matcher["value"], value) is not None
        return bool(value == matcher["value"])

    return any(all(map(fits, each)) for each in matchers("dev", PAIR_1))


EXPECTED = {"stack": "dev", "deployment": "expected"}


@pytest.mark.parametrize(
    ("labels", "is_kept_back"),
    [
        (EXPECTED | {"instance": "excp-1-2", "pair": "1"}, True),
        (EXPECTED | {"pair": "1"}, True),
        (EXPECTED | {"dependency": "redis"}, True),
        (EXPECTED | {"instance": "exas"}, False),
        (EXPECTED | {"pair": "2"}, False),
        (EXPECTED | {"stack": "other", "pair": "1"}, False),
        ({"stack": "dev", "pair": "1", "alertname": "ExecPairDown"}, False),
    ],
)
def test_only_what_the_run_brings_about_is_kept_back(
    labels: dict[str, str], is_kept_back: bool
) -> None:
    assert matches(labels) is is_kept_back


def test_a_pair_that_is_down_is_never_silenced() -> None:
    (down,) = (alert for alert in ALERTS if alert.name == "ExecPairDown")
    assert not down.during_deployment


def test_silences_begin_with_the_run_are_renewed_and_end_with_it(
    alertmanager: Alertmanager,
) -> None:
    def run() -> None:
        with silenced(alertmanager.url, "dev", PAIR_1, "update excp", print, 0.05):
            while len(alertmanager.posted) < 4:
                time.sleep(0.01)
            raise RuntimeError("a run that failed")

    with pytest.raises(RuntimeError):
        run()
    first, again = alertmanager.posted[0], alertmanager.posted[2]
    assert "id" not in first
    assert again["id"] == "id-1"
    assert again["startsAt"] == first["startsAt"]
    lasts = datetime.fromisoformat(first["endsAt"]) - datetime.fromisoformat(first["startsAt"])
    assert lasts.total_seconds() == pytest.approx(300, abs=5)
    assert first["comment"] == "update excp"
    assert [method for method, _ in alertmanager.asked[-2:]] == ["DELETE", "DELETE"]


def test_an_alertmanager_that_refuses_is_named_once_and_the_run_goes_on(
    alertmanager: Alertmanager,
) -> None:
    alertmanager.code, said = 500, list[str]()
    with silenced(alertmanager.url, "dev", PAIR_1, "", said.append):
        pass
    assert len(said) == 1
    assert "accepts no silence (HTTPError), so alerts of this run may notify somebody" in said[0]


def test_nothing_is_asked_without_an_address_or_without_instances(
    alertmanager: Alertmanager,
) -> None:
    with silenced(None, "dev", PAIR_1, "", print), silenced(alertmanager.url, "dev", [], "", print):
        pass
    assert alertmanager.asked == []
