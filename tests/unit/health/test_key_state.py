"""How an operator's own key stands, by OpenSSH's own tools and the file itself."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from health.preflight.answers import KeyState
from health.preflight.ssh import key_state


def key(path: Path, word: str = "") -> str:
    made = ["ssh-keygen", "-q", "-t", "ed25519", "-N", word, "-f", str(path)]
    subprocess.run(made, check=True)
    return str(path)


@pytest.fixture(autouse=True)
def no_agent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)


def test_a_key_in_order_is_usable(tmp_path: Path) -> None:
    assert key_state(key(tmp_path / "k")) is KeyState.USABLE


def test_a_key_that_isnt_there_or_isnt_one_is_told(tmp_path: Path) -> None:
    assert key_state(str(tmp_path / "none")) is KeyState.MISSING
    (tmp_path / "text").write_text("what is this?\n")
    (tmp_path / "text").chmod(0o600)
    assert key_state(str(tmp_path / "text")) is KeyState.NO_KEY
    assert key_state(str(tmp_path)) is KeyState.UNREADABLE


def test_a_key_that_others_may_read_is_told(tmp_path: Path) -> None:
    path = key(tmp_path / "k")
    Path(path).chmod(0o644)
    assert key_state(path) is KeyState.TOO_OPEN


def test_a_key_with_a_passphrase_wants_an_agent(tmp_path: Path) -> None:
    assert key_state(key(tmp_path / "k", "a word")) is KeyState.ENCRYPTED_NO_AGENT


def test_without_a_key_an_agent_is_wanted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert key_state(None) is KeyState.NO_AGENT
    said = subprocess.run(
        ["ssh-agent", "-s", "-a", str(tmp_path / "agent")],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    pid = int(said.partition("SSH_AGENT_PID=")[2].partition(";")[0])
    try:
        monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "agent"))
        assert key_state(None) is KeyState.EMPTY_AGENT
    finally:
        os.kill(pid, 15)
