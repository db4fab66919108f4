"""Who may be at a stack: our own lock and Pulumi's, with processes that live and that don't."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from exctl.errors import ExctlError
from exctl.pulumi import lock
from exctl.pulumi.process import Pulumi
from exctl.pulumi.workspace import workspace
from exctl.site import StackPlace
from health.errors import GateError
from health.gates.clock import OperatorsClock
from health.runlock import RUN_LOCK_VARIABLE, Holder, ourselves, stop_requested


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StackPlace:
    (tmp_path / "Pulumi.yaml").write_text("name: exec\nruntime: python\n")
    monkeypatch.setenv("PULUMI_BACKEND_URL", f"file://{tmp_path}")
    monkeypatch.delenv(RUN_LOCK_VARIABLE, raising=False)
    return StackPlace(tmp_path, "dev")


@pytest.fixture
def other(place: StackPlace) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the stack until it is told to let go."""
    program = (
        "import sys; from pathlib import Path\n"
        "from exctl.pulumi import lock; from exctl.site import StackPlace\n"
        "with lock.hold(StackPlace(Path(sys.argv[1]), 'dev'), 0, print):\n"
        "    print('held', flush=True); sys.stdin.readline()\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(place.project)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def pulumi_lock(place: StackPlace, pid: int, timestamp: str = "") -> Path:
    """Pulumi's lock of a stack that is there, as its CLI writes it."""
    made = Pulumi().run(
        ["stack", "init", "dev"], str(place.project), {"PULUMI_CONFIG_PASSPHRASE": "x"}
    )
    assert made.code == 0
    directory = place.project / ".pulumi/locks/organization/exec/dev"
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / "x.json"
    content: dict[str, object] = {"pid": pid, "username": "eve", "hostname": socket.gethostname()}
    content["timestamp"] = timestamp or f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    path.write_text(json.dumps(content))
    return path


def dead_pid() -> int:
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid


def test_the_second_is_told_who_the_first_is(
    place: StackPlace, other: subprocess.Popen[str]
) -> None:
    with pytest.raises(ExctlError) as refused, lock.hold(place, 0, print):
        pass
    assert f"process {other.pid}" in str(refused.value)
    assert "STILL RUNS" in str(refused.value)
    assert "Nothing was touched" in refused.value.text
    assert lock.run_under_way(place) is not None


def test_the_second_waits_and_says_for_whom(
    place: StackPlace, other: subprocess.Popen[str]
) -> None:
    said: list[str] = []
    timer = threading.Timer(0.3, other.kill)
    timer.start()
    with lock.hold(place, 30, said.append):
        pass
    timer.join()
    assert len(said) == 1
    assert f"process {other.pid}" in said[0]


def test_a_lock_dies_with_its_process(place: StackPlace, other: subprocess.Popen[str]) -> None:
    other.kill()
    other.wait()
    with lock.hold(place, 0, print):
        pass
    assert lock.run_under_way(place) is None


def test_pulumis_lock_of_a_living_run_is_respected(place: StackPlace) -> None:
    pulumi_lock(place, os.getppid())
    with pytest.raises(ExctlError, match="eve@"), lock.hold(place, 0, print):
        pass


def test_pulumis_lock_of_a_killed_run_is_not_waited_for(place: StackPlace) -> None:
    pulumi_lock(place, dead_pid())
    with pytest.raises(ExctlError, match="exctl unlock --stack dev"), lock.hold(place, 600, print):
        pass


def test_pulumis_lock_of_a_run_that_ends_in_order_while_it_is_looked_at_is_none(
    place: StackPlace,
) -> None:
    path = pulumi_lock(place, dead_pid())

    def look_then_end(place: StackPlace) -> list[Holder]:
        found = lock.holders(place)
        path.unlink(missing_ok=True)
        return found

    with lock.hold(place, 0, print, look_then_end):
        pass


def test_gates_are_told_when_the_operator_wants_an_end(
    place: StackPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = workspace(place, with_secrets=False).env_vars
    monkeypatch.setenv(RUN_LOCK_VARIABLE, told[RUN_LOCK_VARIABLE])
    assert not stop_requested()
    with lock.hold(place, 0, print):
        assert not stop_requested()
        OperatorsClock().sleep(0)
        lock.stop_gates(place)
        assert stop_requested()
        with pytest.raises(GateError, match="interrupted"):
            OperatorsClock().sleep(3600)
    assert not stop_requested()


def test_gates_end_when_exctl_was_killed(
    place: StackPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = lock.path_of(place)
    path.write_text(json.dumps({"pid": dead_pid(), "hostname": socket.gethostname()}))
    monkeypatch.setenv(RUN_LOCK_VARIABLE, str(path))
    assert stop_requested()
    path.write_text("")  # exctl may be writing it just now
    assert not stop_requested()


def test_a_killed_run_is_known_by_its_command_until_another_one_ends(
    place: StackPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["exctl", "adopt", "--yes"])
    left = ourselves() | {"pid": dead_pid()}
    lock.path_of(place).write_text(json.dumps(left))
    assert lock.killed_command(place) == "adopt"
    with lock.hold(place, 0, print):
        assert lock.killed_command(place) == ""
    assert lock.killed_command(place) == ""


def test_a_pid_that_was_given_to_another_process_since_holds_nothing(place: StackPlace) -> None:
    pulumi_lock(place, os.getpid(), "2020-01-01T00:00:00Z")
    (found,) = lock.holders(place)
    assert found.lives is False


def test_the_lock_of_a_killed_run_is_taken(place: StackPlace) -> None:
    pulumi_lock(place, dead_pid())
    lock.release(place)
    assert lock.holders(place) == []


def test_a_backend_that_has_no_such_stack_has_no_lock(place: StackPlace) -> None:
    assert lock.holders(place) == []
