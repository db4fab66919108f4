"""A stack goes from our plugins to Pulumi's own and back, with no change in between.

Runs where EXEC_OFFICIAL_PLUGINS names a directory with those plugins.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from tests.plugins.cli import Project
from tests.plugins.recordings import state_text
from tests.plugins.test_command import FULL

DIRECTORY = os.environ.get("EXEC_OFFICIAL_PLUGINS", "")


def with_official(name: str, project: Project) -> dict[str, str]:
    """The variables of a run with the official plugin of this name; skips where there is none."""
    if not DIRECTORY or not (Path(DIRECTORY) / name).exists():
        pytest.skip(f"EXEC_OFFICIAL_PLUGINS names no directory with {name}: not compared with it")
    return {"PATH": f"{DIRECTORY}:{project.environment['PATH']}"}


def test_commands_go_to_the_official_plugin_and_back(project: Project) -> None:
    ours: dict[str, str] = {}
    theirs = with_official("pulumi-resource-command", project)
    state = project.backend / ".pulumi/stacks/test/dev.json"
    project.program(FULL)
    states: list[list[str]] = []
    plans: list[list[str]] = []
    for first, second in ((ours, theirs), (theirs, ours)):
        assert project.run("config", "set", "variant", "1").code == 0
        assert project.up(**first).code == 0
        states.append(_without_ids(state))
        for variables in (second, first):
            for words in (["preview"], ["refresh", "--yes", "--skip-preview"]):
                same = project.run(*words, "--expect-no-changes", **variables)
                assert same.code == 0, same.text
        assert project.run("config", "set", "variant", "2").code == 0
        plan = project.run("preview", "--diff", **second).stdout
        lines = re.sub(r"[\[(]?\b(id|provider)=\S+", "", plan).splitlines()
        plans.append(sorted(line for line in lines if "warning: using" not in line))
        assert project.run("destroy", "--yes", "--skip-preview", **second).code == 0
    assert states[0] == states[1]
    assert plans[0] == plans[1]


def _without_ids(state: Path) -> list[str]:
    text = state_text(state, lambda row: {**row, "id": None})
    return text.splitlines()
