"""Plays every history under `programs/` with the embedded engine, which must do what the history
demands; where `pulumi` is on PATH also with that, and with both in turn on one backend: exit
codes, states, configuration, events, JSON and provider calls of all three must be the same.

The golden cases are what the CLI recorded; these are what it does now.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conformance.histories import History, Player, Seen, all_histories, report, unmet
from tests.conformance.test_golden import CLI, ENGINE, daemon, needs_cli

__all__ = ["daemon"]  # a fixture
ALL = {history.name: history for history in all_histories()}


@pytest.fixture
def history(request: pytest.FixtureRequest) -> History:
    found = ALL[request.param]
    if found.needs == "docker":
        request.getfixturevalue("daemon")
    return found


def play(history: History, work: Path, *engines: Path) -> list[Seen]:
    """What each step gave; fails with what it demanded and didn't get."""
    seen = Player(history, engines, work).play()
    problems = [unmet(step, one) for step, one in zip(history.steps, seen, strict=True)]
    assert not any(problems), "\n".join(filter(None, problems))
    return seen


@pytest.mark.parametrize("history", ALL, indirect=True)
def test_the_engine_does_what_a_history_demands(history: History, tmp_path: Path) -> None:
    play(history, tmp_path / "engine", ENGINE)


@needs_cli
@pytest.mark.pulumi
@pytest.mark.parametrize("history", ALL, indirect=True)
def test_both_engines_do_the_same_apart_and_in_turn(history: History, tmp_path: Path) -> None:
    assert CLI is not None
    cli = Path(CLI).parent
    theirs = play(history, tmp_path / "cli", cli)
    for name, engines in (("engine", [ENGINE]), ("in-turn", [ENGINE, cli])):
        ours = play(history, tmp_path / name, *engines)
        assert not (differing := report(history, ours, theirs)), f"{name}:\n{differing}"
