"""What is read out of /health and /status, whatever the body.

Proves that the vendor's documented answer is read whole and that no body at all raises. Can't
prove what the vendor's image really answers: its /health body isn't documented.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from health.contract import Dependency, Phase, parse_health, parse_status
from stack.text import parse_time, plain_text
from tests.unit.health.fakes import ORG

VENDOR_STATUS = b"""{"status":{"code":0,"message":"Latest database updates for
 orgId:6662cb10-0d4d-4710-b979-db69011e66fd have been successfully processed on
 2023-07-11T10:23:08.062Z","corrId":"bd4c0e9a-ba02-491c-93e5-6fd1e3a7e51e"},"data":{"syncStatus":
{"timeStamp":"2023-07-11T10:23:08.062Z","status":"Success"},"updateStatus":{"timeStamp":
"2023-07-11T10:23:08.062Z","status":"Success","previousHWM":0,"latestHWM":567,"processedHWM":567,
"operation":"Initialization"}}}""".replace(b"\n", b"")

KEYS = ["status", "message", "data", "syncStatus", "updateStatus", "timeStamp", "latestHWM",
        "previousHWM", "processedHWM", "dependencies", "name", "detail"]  # fmt: skip
leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=300)
known_shapes = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=12,
)


def test_the_vendors_documented_status_is_read_whole() -> None:
    status = parse_status(VENDOR_STATUS)
    at = datetime(2023, 7, 11, 10, 23, 8, 62000, tzinfo=UTC)
    assert status.org_ids == (ORG,)
    assert status.sync == Phase("Success", at)
    assert status.update == Phase("Success", at)
    assert (status.previous_hwm, status.latest_hwm, status.processed_hwm) == (0, 567, 567)


@settings(max_examples=100, deadline=None)
@given(st.binary() | known_shapes.map(lambda value: json.dumps(value).encode()))
def test_no_body_ever_raises_and_no_text_holds_a_control_character(body: bytes) -> None:
    status, health = parse_status(body), parse_health(body)
    texts = [status.message, status.sync.status, status.update.status]
    texts += [text for d in health.dependencies for text in (d.name, d.status, d.detail)]
    assert all(text.isprintable() for text in texts)
    assert all(len(text) <= 200 for text in texts)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"OK",
        b"null",
        b"[]",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"data": 3}',
        b'{"data": {"a": NaN}}',
    ],
)
def test_an_unknown_body_is_an_empty_status_and_an_empty_health(body: bytes) -> None:
    assert parse_status(body) == parse_status(b"{}")
    assert parse_health(body).dependencies == ()


@pytest.mark.parametrize(
    ("found", "read"),
    [("567", 567), (567.0, 567), (True, None), (None, None), ("five", None), (float("inf"), None)],
)
def test_a_high_water_mark_is_a_whole_number_or_nothing(found: object, read: int | None) -> None:
    body = json.dumps({"data": {"updateStatus": {"latestHWM": found}}}).encode()
    assert parse_status(body).latest_hwm == read


def test_dependencies_are_read_as_a_mapping_of_objects_words_or_truths_and_as_a_list() -> None:
    mapping = {"redis": {"status": "DOWN", "detail": "timed out"}, "configdb": "UP", "cloud": True}
    listed = [{"name": "redis", "status": "DOWN", "detail": "timed out"}]
    redis = Dependency("redis", "DOWN", "timed out")
    assert parse_health(json.dumps({"dependencies": mapping}).encode()).down == (redis,)
    assert parse_health(json.dumps({"dependencies": listed}).encode()).down == (redis,)


def test_a_word_that_is_not_known_is_shown_as_down() -> None:
    down = parse_health(b'{"dependencies": {"redis": "DEGRADED", "configdb": {}}}').down
    assert [str(d) for d in down] == ["redis is DEGRADED", "configdb is in an unknown state"]


@pytest.mark.parametrize(
    "text", ["2026-11-22T09:00:00Z", "2026-11-22T10:00:00.000000000+01:00", "2026-11-22T09:00:00"]
)
def test_times_are_read_with_nanoseconds_zones_and_without_a_zone_as_utc(text: str) -> None:
    assert parse_time(text) == datetime(2026, 11, 22, 9, tzinfo=UTC)


def test_what_is_not_a_time_is_none() -> None:
    assert [parse_time(value) for value in ("yesterday", "", None, 5)] == [None] * 4


def test_a_long_text_with_escapes_becomes_one_printable_line() -> None:
    assert plain_text("\x1b[31mred\r\nline\ud800") == "[31mred line"
    assert plain_text("x" * 300) == "x" * 199 + "…"
