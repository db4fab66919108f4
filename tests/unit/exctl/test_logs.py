"""Which lines are a container's, and what of a log's limits can be meant."""

from __future__ import annotations

import re

import pytest

from exctl.observe.logs import LogFilter, LogLine, parsed, since_of
from stack.layout import Instance, build_layout
from tests.unit.stack_file import StackFile

AT = "2026-11-24T04:00:00.123456789Z"


@pytest.fixture
def excs() -> Instance:
    (found,) = build_layout(StackFile().config(), "dev").of("excs")
    return found


@pytest.mark.parametrize(
    ("text", "taken"),
    [
        ("10m", "10m"),
        ("1h30m", "1h30m"),
        ("1764000000", "1764000000"),
        ("2026-11-24T04:00:00", "2026-11-24T04:00:00+00:00"),
        ("2026-11-24 04:00:00+02:00", "2026-11-24T04:00:00+02:00"),
        ("2026-11-24", "2026-11-24T00:00:00+00:00"),
    ],
)
def test_a_since_is_a_duration_or_a_time_in_utc(text: str, taken: str) -> None:
    assert since_of(text) == taken


@pytest.mark.parametrize("text", ["", "yesterday", "-5m", "2d", "1m; reboot", "5 m"])
def test_a_since_that_is_neither_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        since_of(text)


def test_a_line_has_its_time_and_tells_no_password(excs: Instance) -> None:
    found = parsed(excs, f"{AT} redis password=hidden-word\r")
    assert found is not None
    assert (found.at, found.instance) == (AT, "excs")
    assert "hidden-word" not in found.text
    assert found.shown(8).startswith("excs      04:00:00.123  redis")


@pytest.mark.parametrize(
    "text",
    ["Error response from daemon: can not get logs", "", "welcome to exec-1", "2026 is the year"],
)
def test_what_docker_itself_says_is_no_line_of_the_log(excs: Instance, text: str) -> None:
    assert parsed(excs, text) is None


def test_a_pattern_is_looked_for_in_what_the_service_said() -> None:
    wanted = LogFilter(pattern=re.compile("up|2026"))
    assert wanted.takes(LogLine(AT, "excs", "h", "redis up"))
    assert not wanted.takes(LogLine(AT, "excs", "h", "redis down"))
