"""What is read of a container over SSH, and what is shown of its log.

The host is played by a function: what Docker really prints is a matter of the lab.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from hosts.answer import Ending, HostAnswer
from hosts.container import (
    ContainerState,
    HostContainer,
    parse_state,
    without_secrets,
)

RUNNING = (
    '{"state":{"Status":"running","Running":true,"OOMKilled":false,"Dead":false,"Pid":9,'
    '"ExitCode":0,"Error":"","StartedAt":"2026-11-22T09:00:00.123456789Z"},"restarts":2,'
    '"id":"3f","labels":{"exec.stack":"dev"}}\n'
)
STARTED = datetime(2026, 11, 22, 9, 0, 0, 123456, tzinfo=UTC)


@dataclass
class Host:
    answer: HostAnswer
    asked: list[Sequence[str]] = field(default_factory=list)

    def __call__(self, arguments: Sequence[str]) -> HostAnswer:
        self.asked.append(arguments)
        return self.answer


def test_a_running_container_is_read_with_start_and_restarts() -> None:
    host = Host(HostAnswer(0, RUNNING, ""))
    state = HostContainer("excs", host).state()
    assert state == ContainerState("running", 0, 2, STARTED, id="3f", labels={"exec.stack": "dev"})
    assert str(state) == "running, last started 2026-11-22 09:00:00 UTC, restarted 2 times"
    (asked,) = host.asked
    assert asked[:4] == ["docker", "inspect", "--type", "container"]


def test_a_container_killed_for_memory_says_so() -> None:
    state = parse_state(
        '{"state":{"Status":"exited","OOMKilled":true,"ExitCode":137},"restarts":0,"labels":null}'
    )
    assert str(state) == "exited, exit code 137, restarted 0 times, OOM-killed"


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (HostAnswer(1, "", "Error: No such container: excs"),
         "missing: the host has no such container"),
        (HostAnswer(255, "", "exec-1: Permission denied (publickey).", Ending.NOT_REACHED),
         "unknown: ssh: exec-1: Permission denied (publickey)."),
        (HostAnswer(1, "", "Cannot connect to the Docker daemon"),
         "unknown: Cannot connect to the Docker daemon"),
        (HostAnswer(127, "", ""), "unknown: exit code 127"),
        (HostAnswer(0, "motd", ""), "unknown: docker inspect answered motd"),
    ],
)  # fmt: skip
def test_a_state_that_cannot_be_read_says_why(answer: HostAnswer, text: str) -> None:
    assert str(HostContainer("excs", Host(answer)).state()) == text


def test_the_log_tail_is_asked_for_with_both_streams_in_their_order() -> None:
    host = Host(HostAnswer(0, "one\n\ntwo\n", ""))
    assert HostContainer("excs", host).log_tail() == ("one", "two")
    assert host.asked == [["sh", "-c", "docker logs --tail 20 excs 2>&1"]]


def test_a_log_that_cannot_be_read_is_empty() -> None:
    host = Host(HostAnswer(255, "", "Connection timed out"))
    assert HostContainer("excs", host).log_tail() == ()


@pytest.mark.parametrize(
    "line",
    [
        "REDIS_PASSWORD=s3cr3t host=r1",
        "connect password='s3cr3t'",
        '{"client_secret": "s3cr3t", "a": 1}',
        "Authorization token: s3cr3t",
        "url?token=s3cr3t&x=1",
    ],
)
def test_the_value_of_a_password_in_a_log_line_is_not_shown(line: str) -> None:
    assert "s3cr3t" not in without_secrets(line)
    assert "[redacted]" in without_secrets(line)


def test_a_log_line_without_a_secret_is_shown_as_it_is() -> None:
    assert without_secrets("redis: wrong password (AUTH failed)") == (
        "redis: wrong password (AUTH failed)"
    )
