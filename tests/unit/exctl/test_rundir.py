"""`.exec/` is this user's alone, whoever has made it."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from exctl.rundir import NAME, STATE, run_directory


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


def with_an_older_clones_state(project: Path, url: str = f"./{NAME}/{STATE}") -> Path:
    """Where that is: the project's Pulumi.yaml looks for it at `url`."""
    (project / "Pulumi.yaml").write_text(
        f"name: exec\nbackend:\n  url: file://{url}?metadata=skip\n"
    )
    (project / STATE / ".pulumi").mkdir(parents=True)
    return project / STATE / ".pulumi"


def test_an_older_clones_state_is_taken_over_for_this_user_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PULUMI_BACKEND_URL", raising=False)
    with_an_older_clones_state(tmp_path)
    found = run_directory(tmp_path)
    assert (found / STATE / ".pulumi").is_dir()
    assert (mode(found), mode(found / STATE)) == (0o700, 0o700)


def test_a_state_that_pulumi_yaml_looks_for_where_it_is_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PULUMI_BACKEND_URL", raising=False)
    old = with_an_older_clones_state(tmp_path, f"./{STATE}")
    run_directory(tmp_path)
    assert old.is_dir()


def test_a_state_that_the_environment_names_stays_until_it_no_longer_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = with_an_older_clones_state(tmp_path)
    monkeypatch.setenv("PULUMI_BACKEND_URL", f"file://{old.parent}")
    run_directory(tmp_path)
    assert old.is_dir()
    monkeypatch.delenv("PULUMI_BACKEND_URL")
    run_directory(tmp_path)
    assert not old.exists()


def test_a_state_of_an_older_clone_never_replaces_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PULUMI_BACKEND_URL", raising=False)
    old = with_an_older_clones_state(tmp_path)
    (tmp_path / NAME / STATE / ".pulumi/stacks").mkdir(parents=True)
    found = run_directory(tmp_path)
    assert (found / STATE / ".pulumi/stacks").is_dir()
    assert old.is_dir()


@pytest.mark.parametrize(("before", "after"), [(0o755, 0o750), (0o777, 0o770), (0o2770, 0o2770)])
def test_one_that_pulumi_made_is_closed_to_others_and_a_group_keeps_it(
    tmp_path: Path, before: int, after: int
) -> None:
    (tmp_path / ".exec").mkdir()
    (tmp_path / ".exec").chmod(before)
    assert mode(run_directory(tmp_path)) == after
