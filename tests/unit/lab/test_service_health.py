"""Proves when a service calls a dependency up or down, without any dependency."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from health.contract import parse_health, parse_status
from lab.standins.service.faults import FaultFile
from lab.standins.service.health import Dependencies, Pace
from lab.standins.service.status import SyncState
from tests.unit.lab.standins import wait_until, write_faults

ORG = "6662cb10-0d4d-4710-b979-db69011e66fd"


class Redis:
    """A dependency of the test's own: `problem` is what it answers, '' if all is well."""

    def __init__(self) -> None:
        self.problem = ""
        self.asked = 0
        self.may_answer = threading.Event()
        self.may_answer.set()

    def check(self) -> str:
        self.asked += 1
        self.may_answer.wait()
        if self.problem:
            raise ConnectionError(self.problem)
        return "10.0.0.1:6379"


@pytest.fixture
def redis() -> Iterator[Redis]:
    found = Redis()
    yield found
    found.may_answer.set()


@pytest.fixture
def faults(tmp_path: Path) -> Path:
    return tmp_path / ".faults.json"


@pytest.fixture
def dependencies(redis: Redis, faults: Path) -> Dependencies:
    return Dependencies({"redis": redis.check}, FaultFile(faults), Pace(0.02, 0.2))


def detail(dependencies: Dependencies) -> str:
    return str(dependencies.now().as_json()["redis"]["detail"])


def test_nothing_is_up_before_it_was_checked(dependencies: Dependencies) -> None:
    assert not dependencies.now().are_up
    assert dependencies.now().as_json() == {
        "redis": {"status": "DOWN", "detail": "not checked yet"}
    }


def test_the_first_failure_is_told_at_once(dependencies: Dependencies, redis: Redis) -> None:
    redis.problem = "refuses the password"
    dependencies.start()
    wait_until("the detail", lambda: detail(dependencies) == "refuses the password")
    assert not dependencies.now().are_up


def test_what_was_up_is_down_after_two_failures_in_a_row(
    dependencies: Dependencies, redis: Redis
) -> None:
    dependencies.start()
    wait_until("redis to be up", lambda: dependencies.now().are_up)
    asked = redis.asked
    redis.problem = "connection refused"
    wait_until("redis to be down", lambda: not dependencies.now().are_up)
    assert redis.asked - asked >= 2
    redis.problem = ""
    wait_until("redis to be up again", lambda: dependencies.now().are_up)


def test_a_check_that_does_not_end_is_a_dependency_that_is_down(
    dependencies: Dependencies, redis: Redis
) -> None:
    dependencies.start()
    wait_until("redis to be up", lambda: dependencies.now().are_up)
    redis.may_answer.clear()
    wait_until("redis to be down", lambda: not dependencies.now().are_up)
    assert detail(dependencies).startswith("no answer for")


def test_a_dependency_is_lost_while_the_fault_says_so(
    dependencies: Dependencies, faults: Path
) -> None:
    dependencies.start()
    wait_until("redis to be up", lambda: dependencies.now().are_up)
    write_faults(faults, {"dependency_lost": {"name": "configdb"}})
    write_faults(faults, {"dependency_lost": {"name": "redis"}})
    wait_until("redis to be lost", lambda: not dependencies.now().are_up)
    write_faults(faults, {})
    wait_until("redis to be back", lambda: dependencies.now().are_up)


def test_the_projects_reader_understands_the_dependencies(dependencies: Dependencies) -> None:
    body = json.dumps({"dependencies": dependencies.now().as_json()}).encode()
    (found,) = parse_health(body).down
    assert (found.name, found.status, found.detail) == ("redis", "DOWN", "not checked yet")


def test_the_projects_reader_understands_the_status_of_a_whole_sync() -> None:
    state = SyncState(status="Success", latest_hwm=567, processed_hwm=567)
    found = parse_status(json.dumps(state.page(ORG)).encode())
    assert found.org_ids == (ORG,)
    assert found.sync.is_success
    assert found.update.is_success
    assert found.update.at is not None
    assert (found.previous_hwm, found.latest_hwm, found.processed_hwm) == (0, 567, 567)


def test_a_state_that_redis_kept_keeps_its_time() -> None:
    old = SyncState(status="Success", latest_hwm=3, at="2026-11-22T09:10:00.000Z")
    assert SyncState.from_json(old.as_json()) == old
    assert not SyncState.from_json(None).is_success
