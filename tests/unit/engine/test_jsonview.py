"""`preview --json` and `up --json`, where the golden cases don't look."""

from __future__ import annotations

import json
from typing import Any

import pytest

from engine.events import Events
from engine.jsonview import EventLines, PreviewDigest
from engine.provider import PropertyDiff
from engine.rows import Row
from engine.steps import Step
from engine.views import make_view

ROW = Row(urn="urn:pulumi:dev::p::t:i:T::a", type="t:i:T", custom=True, inputs={"x": 1})
DEFAULT = Row(
    urn="urn:pulumi:dev::p::pulumi:providers:t::default", type="pulumi:providers:t", custom=True
)


def test_every_preview_is_one_object() -> None:
    ref: Any = None
    assert isinstance(make_view({"as_json": True}, ref, "refresh", True), PreviewDigest)
    assert isinstance(make_view({"as_json": True}, ref, "destroy", False), EventLines)


def digest(steps: list[Step], capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    view = PreviewDigest(show_sames=False)
    events = Events(view.put, preview=True, refresh=False, whole=True)
    for step in steps:
        events.before(step)
        if step.op == "create":
            assert step.new is not None
            step.new = Row(**{**vars(step.new), "id": "made", "outputs": {"y": 2}})
        events.after(step)
    events.warning("look out", ROW.urn)
    view.finish()
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_a_planned_row_has_no_id_and_no_outputs(capsys: pytest.CaptureFixture[str]) -> None:
    found = digest([Step("create", ROW.urn, new=ROW)], capsys)
    assert found["steps"][0]["newState"].get("outputs") is None
    assert "id" not in found["steps"][0]["newState"]


def test_a_refresh_that_finds_a_change_tells_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    detailed = {"x": PropertyDiff("update")}
    changed = Step("refresh", ROW.urn, old=ROW, new=ROW, result_op="update", detailed=detailed)
    view = PreviewDigest(show_sames=False)
    events = Events(view.put, preview=True, refresh=True, whole=True)
    events.before(changed)
    events.after(changed)
    view.finish()
    steps = json.loads(capsys.readouterr().out)["steps"]
    assert [step["op"] for step in steps] == ["update"]


def test_a_diagnostic_is_one_text_with_its_prefix(capsys: pytest.CaptureFixture[str]) -> None:
    found = digest([], capsys)
    assert found["diagnostics"] == [
        {"urn": ROW.urn, "message": "warning: look out\n", "severity": "warning"}
    ]


def test_default_providers_are_left_out_of_the_lines(capsys: pytest.CaptureFixture[str]) -> None:
    view = EventLines()
    events = Events(view.put, preview=False, refresh=False, whole=True)
    for step in (Step("create", DEFAULT.urn, new=DEFAULT), Step("create", ROW.urn, new=ROW)):
        events.before(step)
        events.after(step)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["sequence"] for line in lines] == [2, 3]
    assert "_internal" not in json.dumps(lines)
