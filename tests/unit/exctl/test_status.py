"""What `exctl status` says of instances, and how it is drawn while it is watched."""

from __future__ import annotations

import io
import json

from rich.console import Console

from exctl.observe import endpoints, watching
from exctl.observe.endpoints import EndpointRow, sync_text
from health.contract import parse_health
from health.gates.sync_progress import Progress
from health.probe import Answer
from tests.unit.exctl.sites import make_site

TAG = "100.0.100.11"


def row(is_healthy: bool = True, sync: str = "", **others: str) -> EndpointRow:
    return EndpointRow(
        instance="excs",
        host="10.77.0.101",
        port=3640,
        tag=TAG,
        health_url="http://10.77.0.101:3640/health",
        is_stopped=False,
        is_healthy=is_healthy,
        answer="HTTP 200" if is_healthy else "connection refused",
        down=(),
        sync=sync,
        **others,
    )


def status(processed: int, word: str = "") -> Answer:
    update = {"previousHWM": 0, "latestHWM": 600, "processedHWM": processed}
    data = {"updateStatus": update, "syncStatus": {"status": word}}
    return Answer(200, json.dumps({"data": data}).encode())


def test_a_second_look_tells_pace_and_time_left() -> None:
    progress = Progress(moved_at=0)
    assert sync_text(status(100), progress, 0) == "sync running 16% (HWM 100 of 600)"
    assert sync_text(status(120), progress, 2) == (
        "sync running 20% (HWM 120 of 600), 10 objects/s, about 48 s left"
    )
    assert sync_text(status(600, "Success"), progress, 4) == "sync Success 100% (HWM 600 of 600)"


def test_an_excs_that_does_not_tell_its_sync_is_no_error() -> None:
    said = sync_text(Answer(None, error="no answer"), Progress(moved_at=0), 0)
    assert said == "sync not known: /status: no answer"


def test_version_and_uptime_are_taken_where_health_gives_them() -> None:
    found = parse_health(b'{"version": "100.0.100.12", "uptime": "3h", "dependencies": {}}')
    assert (found.version, found.uptime) == ("100.0.100.12", "3h")
    assert parse_health(b'{"version": {"a": 1}}').version == ""


def test_another_version_than_the_stack_files_is_said() -> None:
    assert row(version="100.0.100.12", uptime="3h").detail == "runs version 100.0.100.12; up 3h"
    assert row(version=TAG).detail == ""


def test_lines_for_a_log_each_say_the_time() -> None:
    first, second = watching.lines([row(), row(False)])
    assert first[2] == second[2] == ":"
    assert "NOT HEALTHY" in second


def test_a_watched_look_is_one_line_of_json() -> None:
    text = watching.json_line(make_site(), [row(sync="sync running")])
    assert "\n" not in text
    assert json.loads(text)["instances"][0]["sync"] == "sync running"


def test_the_drawn_table_fits_into_80_columns() -> None:
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(watching.drawn("dev", [row(), row(False, "sync running 20%" * 4)], 2))
    text = console.export_text()
    assert "1 of 2 well" in text
    assert "10.77.0.101:3640" in text
    assert max(map(len, text.splitlines())) <= 80


def test_the_table_names_what_is_down() -> None:
    (ill,) = endpoints.unhealthy([row(), row(False)])
    assert "connection refused" in endpoints.table([ill])[1]
