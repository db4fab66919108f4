"""What the golden cases don't show of the command line: the question after a preview, what is
protected, and a project that is run from below its directory."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conformance.test_golden import ENGINE

PROGRAM = """
import pulumi
from pulumi.dynamic import CreateResult, Resource, ResourceProvider

class Made(ResourceProvider):
    def create(self, props):
        return CreateResult(props["name"], props)

class Thing(Resource):
    def __init__(self, name, needs=(), **more):
        opts = pulumi.ResourceOptions(depends_on=list(needs), **more)
        super().__init__(Made(), name, {"name": name}, opts)

base = Thing("base")
Thing("kept", [base], protect=True)
Thing("free", [base])
"""


class Project:
    def __init__(self, directory: Path) -> None:
        self.directory = directory
        (directory / "below").mkdir()
        (directory / "state").mkdir()
        (directory / "Pulumi.yaml").write_text("name: p\nruntime: python\n")
        (directory / "__main__.py").write_text(PROGRAM)
        self.command = [str(ENGINE / "pulumi"), "-C", str(directory / "below")]
        self.environment = {
            **os.environ,
            "PULUMI_BACKEND_URL": f"file://{directory}/state",
            "PULUMI_CONFIG_PASSPHRASE": "word",
            "PULUMI_PYTHON_CMD": sys.executable,
            "PULUMI_HOME": str(directory / "home"),
        }

    def pulumi(self, *arguments: str) -> str:
        done = subprocess.run(
            [*self.command, *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def on_a_terminal(self, answers: str, *arguments: str) -> tuple[int, str]:
        """Exit code and screen of a command whose questions are answered."""
        ours, theirs = os.openpty()
        with subprocess.Popen(
            [*self.command, *arguments],
            env=self.environment,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
        ) as process:
            os.close(theirs)
            os.write(ours, answers.encode())
            screen = b""
            while chunk := _read(ours):
                screen += chunk
        os.close(ours)
        return process.returncode, screen.decode()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # the other end is closed
        return b""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    found = Project(tmp_path)
    found.pulumi("stack", "init", "dev")
    return found


def test_a_run_asks_shows_details_and_does_what_is_answered(project: Project) -> None:
    code, screen = project.on_a_terminal("no\n", "up")
    assert code == 1
    assert "confirmation declined" in screen
    assert "base" not in project.pulumi("stack")
    code, screen = project.on_a_terminal("details\nyes\n", "up")
    assert code == 0, screen
    assert screen.count("Do you want to perform this update?") == 2
    assert 'name: "base"' in screen  # what only the details show
    assert "base" in project.pulumi("stack")


def test_what_is_protected_stays_with_what_it_needs(project: Project) -> None:
    project.pulumi("up", "--yes", "--skip-preview")
    said = project.pulumi("destroy", "--yes", "--skip-preview", "--exclude-protected")
    assert "There are still 4 protected resources" in said
    left = project.pulumi("stack")
    assert "kept" in left
    assert "base" in left
    assert "free" not in left


def test_a_log_of_events_is_written_where_the_operator_stands(project: Project) -> None:
    project.pulumi("preview", "--event-log", "events.jsonl")
    assert (project.directory / "below/events.jsonl").read_text()
