"""Which log files are ours, and what a host's crontab says of them: run here by a real shell."""

from __future__ import annotations

import os
import shlex
import subprocess
import time
from pathlib import Path

import pytest

from hosts import crontab
from hosts.answer import HostAnswer
from stack.layout import build_layout
from stack.retention import glob_of, retentions
from tests.unit.stack_file import StackFile

DAYS, DAY = 14, 86400
OTHERS = "MAILTO=ops@example.com\n0 1 * * * backup # exec-retention my-dev"


@pytest.mark.parametrize(
    ("pattern", "glob"),
    [
        ("excs-1.%Y%m%d_%H%M%S_%L.log", "excs-1." + "[0-9]" * 8 + "_" + "[0-9]" * 6 + "_*.log"),
        ("exas[1]*.log", r"exas\[1\]\*.log"),
        ("100%%-excp.log", "100%-excp.log"),
        ("%Y%m%d.log", None),
        ("%L", None),
        ("", None),
    ],
)
def test_a_pattern_finds_its_own_names_and_no_others(pattern: str, glob: str | None) -> None:
    assert glob_of(pattern) == glob


def rule(host: str = "10.77.0.103", **settings: object) -> str:
    file = StackFile().put("logs.retention_days", DAYS)
    for path, value in settings.items():
        file.put(path.replace("__", "."), value)
    config = file.config()
    found = {r.host: r for r in retentions(config, build_layout(config, "dev"), "dev")}
    return found[host].line if host in found else ""


def test_without_days_nothing_is_removed() -> None:
    config = StackFile().config()
    assert retentions(config, build_layout(config, "dev"), "dev") == []


def test_a_service_that_writes_to_stdout_has_no_files() -> None:
    assert rule("10.77.0.102", exas__log={}) == ""


def test_what_the_crontab_says_removes_our_old_files_alone(tmp_path: Path) -> None:
    logs = tmp_path / "log s"
    (logs / "below").mkdir(parents=True)
    line = rule(logs__host_path=str(logs))
    ours = "excp-.20261101_120000_123_1_10.77.0.103.log"
    old, new = time.time() - (DAYS + 1) * DAY, time.time() - (DAYS - 1) * DAY
    files = {
        logs / ours: old,
        logs / ours.replace("2026", "2025"): new,
        logs / ours.replace("10.77.0.103", "10.77.0.104"): old,
        logs / ours.replace("_1_", "_2_"): old,
        logs / "syslog": old,
        logs / "below" / ours: old,
    }
    for path, moment in files.items():
        path.write_text("")
        os.utime(path, (moment, moment))
    (logs / ours.replace("1200", "1300")).symlink_to(logs / "syslog")
    command = line.split(" ", 5)[5].replace("\\%", "%")
    subprocess.run(["sh", "-c", command], check=True)
    assert not (logs / ours).exists()
    assert all(path.exists() for path in list(files)[1:])
    assert (logs / ours.replace("1200", "1300")).is_symlink()


class Host:
    """A host with a crontab in a file, as the program `crontab` keeps it."""

    def __init__(self, directory: Path, listing: str) -> None:
        self.file = directory / "crontab.txt"
        program = directory / "crontab"
        program.write_text(
            f'#!/bin/sh\nif [ "$1" = -l ]; then {listing}\nelse cat > {self.file}; fi\n'
        )
        program.chmod(0o755)
        self._path = f"{directory}:{os.environ['PATH']}"

    def run(self, words: object) -> HostAnswer:
        assert isinstance(words, list)
        environment = {**os.environ, "PATH": self._path}
        run = subprocess.run(words, capture_output=True, text=True, env=environment, check=False)
        return HostAnswer(run.returncode, run.stdout, run.stderr)


def test_a_line_is_put_replaced_and_taken_and_all_others_stay(tmp_path: Path) -> None:
    listing = f"cat {shlex.quote(str(tmp_path / 'crontab.txt'))}"
    host = Host(tmp_path, listing)
    host.file.write_text(f"{OTHERS}\n")
    mark = "# exec-retention dev"
    for line in (f"1 * * * * a {mark}", f"2 * * * * b {mark}"):
        assert crontab.put(host.run, mark, line, [str(tmp_path)]).code == 0
        assert host.file.read_text() == f"{OTHERS}\n{line}\n"
    assert crontab.take(host.run, mark).code == 0
    assert host.file.read_text() == f"{OTHERS}\n"


def test_a_user_without_a_crontab_gets_one(tmp_path: Path) -> None:
    host = Host(tmp_path, "echo 'no crontab for genesys' >&2; exit 1")
    assert crontab.put(host.run, "# m", "1 * * * * a # m", [str(tmp_path)]).code == 0
    assert host.file.read_text() == "1 * * * * a # m\n"


def test_a_crontab_that_can_not_be_read_is_not_written_anew(tmp_path: Path) -> None:
    host = Host(tmp_path, "echo 'you are not allowed to use this program' >&2; exit 1")
    answer = crontab.put(host.run, "# m", "1 * * * * a # m", [str(tmp_path)])
    assert answer.code == 1
    assert "not allowed" in answer.stderr
    assert not host.file.exists()


def test_a_directory_that_the_user_can_not_write_to_is_told(tmp_path: Path) -> None:
    host = Host(tmp_path, "exit 0")
    answer = crontab.put(host.run, "# m", "1 * * * * a # m", [str(tmp_path / "none")])
    assert "can't remove files from" in answer.stderr
    assert not host.file.exists()
