"""A state in files stays readable when a run is killed while it writes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from exctl.errors import ExctlError
from exctl.pulumi import file_backend
from exctl.pulumi.process import Pulumi
from exctl.pulumi.workspace import exported, workspace
from exctl.site import StackPlace
from tests.unit.stack_file import CLONE

SECRET = {"PULUMI_CONFIG_PASSPHRASE": "x", "PULUMI_SKIP_UPDATE_CHECK": "1"}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StackPlace:
    (tmp_path / "Pulumi.yaml").write_text("name: exec\nruntime: python\n")
    monkeypatch.setenv("PULUMI_BACKEND_URL", f"file://{tmp_path}")
    return StackPlace(tmp_path, "dev")


def attributes(place: StackPlace) -> list[Path]:
    return sorted(place.project.rglob("*.attrs"))


def test_what_a_killed_pulumi_left_half_written_is_mended(place: StackPlace) -> None:
    Pulumi().run(["stack", "init", "dev"], str(place.project), SECRET)
    (found,) = [path for path in attributes(place) if path.name == "dev.json.attrs"]
    found.write_text("")
    assert exported(place)["manifest"]
    assert not found.exists()


def test_a_lock_that_a_full_disk_left_empty_is_taken_away_and_no_other(place: StackPlace) -> None:
    locks = place.project / ".pulumi/locks/organization/exec/dev"
    locks.mkdir(parents=True)
    empty, written, being_written = (locks / f"{n}.json.18eb.tmp" for n in "abc")
    for path in (empty, being_written):
        path.touch()
    written.write_text("{")
    for path in (empty, written):
        os.utime(path, (0, 0))
    file_backend.mend(place.project)
    assert sorted(locks.iterdir()) == [written, being_written]


def test_a_full_disk_is_told_before_anything_is_touched(
    place: StackPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    file_backend.require_disk_space(place.project)
    more_than_any_disk_mib = 1 << 40
    words = f"has [0-9]+ MiB of disk space left, and a run needs {more_than_any_disk_mib}"
    with pytest.raises(ExctlError, match=words):
        file_backend.require_disk_space(place.project, more_than_any_disk_mib)
    monkeypatch.setenv("PULUMI_BACKEND_URL", f"file://{place.project}/not/yet")
    with pytest.raises(ExctlError, match=words):
        file_backend.require_disk_space(place.project, more_than_any_disk_mib)
    monkeypatch.setenv("PULUMI_BACKEND_URL", "postgres://host/state")
    file_backend.require_disk_space(place.project, more_than_any_disk_mib)


def test_exctl_leaves_nothing_beside_the_state(place: StackPlace) -> None:
    work = workspace(place, with_secrets=False)
    work.pulumi_command.run(["stack", "init", "dev"], work.work_dir, {**work.env_vars, **SECRET})
    assert (place.project / ".pulumi/stacks/exec/dev.json").exists()
    assert attributes(place) == []


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        ("file:///a", "file:///a?metadata=skip"),
        ("file:///a?x=1", "file:///a?x=1&metadata=skip"),
        ("file:///a?metadata=skip", None),
        ("postgres://host/state", None),
        ("", None),
    ],
)
def test_only_a_backend_in_files_is_named_anew(
    url: str, wanted: str | None, place: StackPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PULUMI_BACKEND_URL", url)
    assert file_backend.variables(place.project).get("PULUMI_BACKEND_URL") == wanted


def test_a_backend_of_pulumi_yaml_is_cared_for_too(
    place: StackPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PULUMI_BACKEND_URL")
    with (place.project / "Pulumi.yaml").open("a") as settings:
        settings.write("backend:\n  url: file://./kept\n")
    lock = place.project / "kept/.pulumi/locks/a.json.tmp"
    lock.parent.mkdir(parents=True)
    lock.touch()
    os.utime(lock, (0, 0))
    work = workspace(place, with_secrets=False)
    assert not lock.exists()
    work.pulumi_command.run(["stack", "init", "dev"], work.work_dir, {**work.env_vars, **SECRET})
    assert (place.project / "kept/.pulumi/stacks/exec/dev.json").exists()
    assert attributes(place) == []


def test_the_projects_own_backend_writes_none() -> None:
    assert "url: file://./.exec/state?metadata=skip" in (CLONE / "Pulumi.yaml").read_text()
