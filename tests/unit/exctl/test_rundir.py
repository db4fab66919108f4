"""`.exec/` is this user's alone, whoever has made it."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from exctl.rundir import STATE, run_directory


@pytest.fixture(autouse=True)
def _open_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_it_is_made_for_this_user_alone(tmp_path: Path) -> None:
    found = run_directory(tmp_path)
    assert (mode(found), mode(found / STATE)) == (0o700, 0o700)


def test_an_older_clones_state_is_taken_over_for_this_user_alone(tmp_path: Path) -> None:
    (tmp_path / "state/.pulumi").mkdir(parents=True)
    found = run_directory(tmp_path)
    assert (found / STATE / ".pulumi").is_dir()
    assert (mode(found), mode(found / STATE)) == (0o700, 0o700)


@pytest.mark.parametrize(("before", "after"), [(0o755, 0o750), (0o777, 0o770), (0o2770, 0o2770)])
def test_one_that_pulumi_made_is_closed_to_others_and_a_group_keeps_it(
    tmp_path: Path, before: int, after: int
) -> None:
    (tmp_path / ".exec").mkdir()
    (tmp_path / ".exec").chmod(before)
    assert mode(run_directory(tmp_path)) == after
