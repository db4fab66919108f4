"""Proves where states, locks and selections lie and who may touch them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.backend import (
    BackendError,
    FileBackend,
    StackNotFound,
    StackRef,
    Workspace,
    parse_stack,
    root_of,
)
from engine.rows import StateError

REF = StackRef("p", "dev")
STATE = '{"version":3,"checkpoint":{"stack":"organization/p/dev","latest":{"metadata":{}}}}'


@pytest.fixture
def backend(tmp_path: Path) -> FileBackend:
    found = FileBackend(f"file://{tmp_path}")
    found.save(REF, STATE)
    return found


def test_a_stack_lies_where_the_cli_looks_for_it(backend: FileBackend) -> None:
    assert (backend.root / ".pulumi/stacks/p/dev.json").read_text() == STATE
    assert (backend.root / ".pulumi/meta.yaml").read_text() == "version: 1\n"
    assert backend.stacks() == [REF]
    assert backend.stacks("other") == []


def test_a_second_run_is_refused_with_who_holds_the_lock(backend: FileBackend) -> None:
    with backend.lock(REF):
        with pytest.raises(BackendError, match=r"(?s)locked by 1 lock.*pid"), backend.lock(REF):
            pass
        backend.cancel(REF)
    with backend.lock(REF):
        pass
    assert list((backend.book / "locks").rglob("*.json")) == []


def test_a_lock_goes_also_when_the_run_fails(backend: FileBackend) -> None:
    with pytest.raises(RuntimeError), backend.lock(REF):
        raise RuntimeError
    backend.check_unlocked(REF)


def test_removing_a_stack_keeps_its_last_state_aside(backend: FileBackend) -> None:
    backend.add_history(REF, {"kind": "update"})
    backend.remove(REF)
    assert not backend.exists(REF)
    assert (backend.root / ".pulumi/stacks/p/dev.json.bak").read_text() == STATE
    assert backend.history(REF) == []


def test_history_comes_newest_first(backend: FileBackend) -> None:
    for number in (1, 2):
        backend.add_history(REF, {"kind": "update", "startTime": number})
    assert [entry["startTime"] for entry in backend.history(REF)] == [2, 1]


def test_a_file_that_is_no_state_is_told_with_its_backup(backend: FileBackend) -> None:
    backend.state_path(REF).write_text("{")
    with pytest.raises(StateError, match=r"dev\.json\.bak"):
        backend.load(REF)


def test_a_stack_that_is_not_there_is_told(backend: FileBackend) -> None:
    with pytest.raises(StackNotFound, match="'none'"):
        backend.load(StackRef("p", "none"))


@pytest.mark.parametrize("url", ["s3://bucket", "https://api.pulumi.com", ""])
def test_other_backends_are_refused_by_name(url: str) -> None:
    with pytest.raises(BackendError, match="file://"):
        root_of(url)


def test_the_old_layout_is_refused(tmp_path: Path) -> None:
    (tmp_path / ".pulumi/stacks").mkdir(parents=True)
    (tmp_path / ".pulumi/stacks/dev.json").write_text(STATE)
    with pytest.raises(BackendError, match="old layout"):
        FileBackend(f"file://{tmp_path}")


def test_relative_and_home_urls_are_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert root_of("file://./state?no_tmp_dir=true") == tmp_path / "state"
    assert root_of("file://~") == tmp_path / "home"


@pytest.mark.parametrize(
    ("text", "found"),
    [("s", "p/s"), ("organization/s", "p/s"), ("organization/q/s", "q/s")],
)
def test_every_form_of_a_stack_name_is_understood(text: str, found: str) -> None:
    assert parse_stack(text, "p").full_name == f"organization/{found}"


@pytest.mark.parametrize("text", ["bad name", "acme/s", "a/b/c/d", "organization//s", ""])
def test_a_bad_stack_name_is_refused(text: str) -> None:
    with pytest.raises(BackendError):
        parse_stack(text, "p")


def test_backend_and_stack_are_chosen_in_the_clis_order(tmp_path: Path) -> None:
    home = {"PULUMI_HOME": str(tmp_path)}
    workspace = Workspace(home)
    assert workspace.backend_url("") == ""
    workspace.login("file:///a")
    assert workspace.backend_url("") == "file:///a"
    assert workspace.backend_url("file:///project") == "file:///project"
    assert Workspace({**home, "PULUMI_BACKEND_URL": "file:///e"}).backend_url("file:///p") == (
        "file:///e"
    )
    path = tmp_path / "Pulumi.yaml"
    workspace.select("file:///a", "p", path, REF)
    assert workspace.selected("file:///a", "p", path) == "organization/p/dev"
    assert workspace.selected("file:///b", "p", path) == ""
    assert Workspace({**home, "PULUMI_STACK": "x"}).selected("file:///a", "p", path) == "x"
    workspace.select("file:///a", "p", path, None)
    assert workspace.selected("file:///a", "p", path) == ""
    workspace.logout("file:///a")
    assert json.loads((tmp_path / "credentials.json").read_text())["current"] == ""
