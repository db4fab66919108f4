"""The mark that a run leaves in Grafana: begun with the run, ended with it, never in its way."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from exctl.runs.annotation import Login, annotated
from monitoring.dashboards import STACK, files
from tests.unit.exctl.http_server import serving

TOKEN = "glsa-not-to-be-seen"


@dataclass
class Grafana:
    """A server that takes annotations as Grafana's API does, and what it was told."""

    url: str = ""
    told: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    logins: set[str] = field(default_factory=set)
    code: int = 200


@pytest.fixture
def grafana() -> Iterator[Grafana]:
    found = Grafana()

    def answer(request: BaseHTTPRequestHandler, body: bytes) -> tuple[int, bytes]:
        found.told.append((request.command, request.path, json.loads(body)))
        found.logins.add(request.headers.get("Authorization", ""))
        return found.code, b'{"id": 7, "message": "Annotation added"}'

    with serving(answer) as found.url:
        yield found


def test_a_run_is_marked_from_its_begin_to_its_end(grafana: Grafana) -> None:
    said: list[str] = []
    with annotated(grafana.url, Login(token=TOKEN), "prod", ["excs"], "new tag", said.append):
        ((method, path, body),) = grafana.told
    assert (method, path) == ("POST", "/api/annotations")
    assert (body["text"], body["tags"]) == ("new tag: excs", ["exec-run", "stack:prod"])
    method, path, end = grafana.told[1]
    assert (method, path, end["text"]) == ("PATCH", "/api/annotations/7", "new tag: excs (done)")
    assert end["timeEnd"] >= body["time"] > 1e12
    assert grafana.logins == {f"Bearer {TOKEN}"}
    assert not said


def test_a_run_that_fails_says_so(grafana: Grafana) -> None:
    run = annotated(grafana.url, Login(password="x"), "prod", ["excs"], "up", print)
    with pytest.raises(KeyboardInterrupt), run:
        raise KeyboardInterrupt
    assert grafana.told[1][2]["text"] == "up: excs (failed or was interrupted)"
    assert grafana.logins == {"Basic YWRtaW46eA=="}


def test_a_grafana_that_refuses_or_is_away_is_named_once_and_holds_nothing(
    grafana: Grafana,
) -> None:
    grafana.code = 401
    for url, why in ((grafana.url, "refuses the login"), ("http://127.0.0.1:1", "ConnectionError")):
        said: list[str] = []
        with annotated(url, Login(token=TOKEN), "prod", ["excs"], "up", said.append):
            pass
        assert said == [f"warning: {url} accepts no annotation of this run ({why})"]


def test_nothing_touched_leaves_no_mark(grafana: Grafana) -> None:
    with annotated(grafana.url, Login(token=TOKEN), "prod", [], "up", print):
        pass
    with annotated(None, Login(), "prod", ["excs"], "up", print):
        pass
    assert not grafana.told


def test_the_dashboard_of_a_stack_asks_for_the_marks_of_its_runs() -> None:
    made = json.loads(files()[f"dashboards/{STACK.uid}.json"])
    runs = next(each for each in made["annotations"]["list"] if each["name"] == "Runs")
    assert runs["target"]["tags"] == ["exec-run", "stack:$stack"]
    assert runs["datasource"]["uid"] == "-- Grafana --"
