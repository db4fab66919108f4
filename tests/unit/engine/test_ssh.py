"""What the shared connections leave on this machine: nothing, also of runs that were killed."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from engine.ssh import Pool


def test_what_a_killed_run_has_left_goes_with_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("PATH", "")  # nobody is reached; the directory is made before
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    left, runs = (tmp_path / f"pulumi-ssh-{pid}-x" for pid in (ended.pid, os.getppid()))
    for directory in (left, runs, tmp_path / "pulumi-ssh-other"):
        directory.mkdir()
        (directory / "0").mkdir()
    pool = Pool()
    with pytest.raises(Exception, match="ssh can't be started"):
        pool.master("ssh://genesys@host", [])
    pool.close()
    assert {path.name for path in tmp_path.iterdir()} == {"pulumi-ssh-other", runs.name}
