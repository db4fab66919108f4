"""Pulumi's process: apart from our terminal's signals, and told secrets on stdin.

A script stands in for it where the real one can't be made to do what is asked about.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from pulumi import automation as auto

from exctl.errors import NothingTouched
from exctl.pulumi import process
from exctl.pulumi.interrupts import passed_on
from exctl.pulumi.process import PLUGINS_VARIABLE, Pulumi, plugins_environment

WORD = "c0ffee-1234"
SCRIPT = """#!/bin/sh
case "$1" in version) echo v3.999.0; exit ;; esac
case "$*" in
  *group*) ps -o pgid= -p $$ ;;
  *read*) tr '\\0' ' ' < /proc/$$/cmdline; cat ;;
  *fail*) echo "error: no such thing" >&2; exit 1 ;;
  *talk*) echo begun; touch begun; sleep 1; echo goes on; echo and on >&2; touch ended ;;
  *own-id*) echo $$ ;;
  *wait*) trap 'echo finished the step; exit 1' INT; echo begun; while :; do sleep 0.05; done ;;
esac
"""


@pytest.fixture
def pulumi(tmp_path: Path) -> Pulumi:
    (tmp_path / "bin").mkdir()
    script = tmp_path / "bin/pulumi"
    script.write_text(SCRIPT)
    script.chmod(0o755)
    return Pulumi(str(script))


def test_it_has_a_process_group_of_its_own(pulumi: Pulumi, tmp_path: Path) -> None:
    found = int(pulumi.run(["group"], str(tmp_path), {}).stdout)
    assert found != os.getpgid(0)


@pytest.mark.parametrize(
    ("command", "plugins", "begins"),
    [
        ("preview", "ours", True),
        ("up", "", True),
        ("stack", "ours", False),
        ("preview", "official", False),
    ],
)
def test_the_host_of_our_plugins_begins_beside_what_starts_them(
    command: str, plugins: str, begins: bool, pulumi: Pulumi, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = Path(pulumi.command).parent
    script = directory / "launcher"
    script.write_text('#!/bin/sh\necho "$*, in ${PWD##*/}, by $WHO" > begun\n')
    script.chmod(0o755)
    monkeypatch.setattr(process, "LAUNCHERS", directory)
    monkeypatch.setenv(PLUGINS_VARIABLE, plugins)
    run = Pulumi(pulumi.command).run([command, "own-id"], str(directory), {"WHO": "me"})
    begun = directory / "begun"
    assert begun.exists() == begins
    assert not begins or begun.read_text() == f"--begin {run.stdout}, in bin, by me\n"


def test_it_runs_also_where_no_host_can_be_begun(
    pulumi: Pulumi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "LAUNCHERS", tmp_path / "nowhere")
    assert pulumi.run(["preview", "own-id"], str(tmp_path), {}).code == 0


def test_a_secret_comes_on_stdin_and_not_on_the_command_line(
    pulumi: Pulumi, tmp_path: Path
) -> None:
    said = pulumi.run(["read"], str(tmp_path), {}, stdin=WORD).stdout
    assert said.endswith(WORD)
    command = said.removesuffix(WORD)
    assert "read" in command
    assert WORD not in command


def test_its_failure_is_the_automation_apis_error(pulumi: Pulumi, tmp_path: Path) -> None:
    with pytest.raises(auto.CommandError, match="no such thing"):
        pulumi.run(["fail"], str(tmp_path), {})


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_each_signal_lets_it_finish_its_step(
    pulumi: Pulumi, tmp_path: Path, number: signal.Signals
) -> None:
    said: list[str] = []
    told: list[str] = []

    def send() -> None:
        while "begun" not in said:
            time.sleep(0.01)
        os.kill(os.getpid(), number)

    sender = threading.Thread(target=send)
    sender.start()
    with (
        passed_on(pulumi.interrupt, lambda: told.append("gates"), told.append) as interrupts,
        pytest.raises(auto.CommandError),
    ):
        pulumi.run(["wait"], str(tmp_path), {}, on_output=said.append)
    sender.join()
    assert said == ["begun", "finished the step"]
    assert interrupts.count == 1
    assert told[-1] == "gates"
    assert told[0].startswith("interrupted: finishing the step under way")


def test_it_finishes_its_step_though_nobody_is_left_to_hear_it(
    pulumi: Pulumi, tmp_path: Path
) -> None:
    program = (
        "import sys; from exctl.pulumi.process import Pulumi\n"
        "Pulumi(sys.argv[1]).run(['talk'], sys.argv[2], {})\n"
    )
    words = [sys.executable, "-c", program, pulumi.command, str(tmp_path)]
    with subprocess.Popen(words) as listener:
        wait_for(tmp_path / "begun")
        listener.kill()
    wait_for(tmp_path / "ended")


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + 20
    while not path.exists():
        assert time.monotonic() < deadline, f"no {path.name}"
        time.sleep(0.02)


def said_version(tmp_path: Path, script: str) -> str:
    command = tmp_path / "pulumi"
    command.write_text(f"#!/bin/sh\n{script}\n")
    command.chmod(0o755)
    with pytest.raises(NothingTouched) as refused:
        Pulumi(str(command))
    return str(refused.value)


def test_a_cli_older_than_the_sdk_is_refused_by_its_version(tmp_path: Path) -> None:
    text = said_version(tmp_path, "echo v3.100.0")
    assert "is Pulumi 3.100.0; this program needs" in text
    assert "scripts/setup" in text


def test_a_cli_that_does_not_run_is_refused(tmp_path: Path) -> None:
    assert "doesn't say its version" in said_version(tmp_path, "exit 3")
    assert "doesn't say its version" in said_version(tmp_path, "echo soon")


def test_only_ours_and_official_are_words_for_plugins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PLUGINS_VARIABLE, "offical")
    with pytest.raises(NothingTouched, match="`ours` \\(the default\\) or `official`"):
        plugins_environment()
    monkeypatch.setenv(PLUGINS_VARIABLE, "official")
    assert plugins_environment() == {"PULUMI_IGNORE_AMBIENT_PLUGINS": "true"}
