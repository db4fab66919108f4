"""Every command survives a fuzzed environment: a sentence and a known exit code, never a traceback,
and nothing that only the last resort has caught."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import exctl.adoption.takeover
import exctl.onboarding.init_stack
import exctl.onboarding.migration
import exctl.report.collected
import exctl.runs.changes  # noqa: F401  # loaded once, and not by each of the children
from exctl import __main__
from exctl.__main__ import SECTIONS
from exctl.cli import unforeseen
from exctl.errors import DONE, FAILED, INTERRUPTED, NOTHING_TOUCHED, ROLLED_BACK, UNHEALTHY, USAGE
from tests.unit.stack_file import CLONE

BASE = (CLONE / "Pulumi.dev.yaml").read_text("utf-8")
CODES = {DONE, FAILED, USAGE, ROLLED_BACK, UNHEALTHY, INTERRUPTED}
PATIENCE_SECONDS = 60
ARGUMENTS = {
    "rollback": ["1"],
    "update": ["excp", "--tag", "1"],
    "rotate": ["redisPassword"],
    "secret": ["list"],
    "images": ["list"],
    "import-env": ["/nowhere"],
    "completion": ["bash"],
    "forget": ["10.77.0.101"],
    "restart": ["excs"],
    "logs": ["excs"],
    "exporter": ["--unit"],
    "monitoring": ["export", "exported"],
}
NAMES = [name for names in SECTIONS.values() for name in names]
NO_HOST = {"adopt", "doctor", "drift", "logs", "status", "report", "support-bundle", "images"}
"""Those that ask hosts: with a stack file that is whole they are stories of the lab."""


def broken_text(text: str | bytes) -> Callable[[Path], None]:
    def spoil(project: Path) -> None:
        content = text if isinstance(text, bytes) else text.encode()
        (project / "Pulumi.dev.yaml").write_bytes(content)

    return spoil


def variables(**found: str) -> Callable[[Path], None]:
    return lambda _project: os.environ.update(found)


def no_directory(project: Path) -> None:
    os.chdir(project / "gone")
    (project / "gone").rmdir()


def project_file(text: str) -> Callable[[Path], None]:
    def spoil(project: Path) -> None:
        (project / "Pulumi.yaml").write_text(text)
        broken_text("config: []")(project)

    return spoil


def files_are_directories(project: Path) -> None:
    (project / "Pulumi.dev.yaml").unlink(missing_ok=True)
    (project / "Pulumi.dev.yaml").mkdir()


def closed_streams(project: Path) -> None:
    broken_text("config: {}")(project)
    sys.stdin = None  # what Python makes of a closed stdin
    unforeseen.prepare_streams()


FUZZ: dict[str, Callable[[Path], None]] = {
    "an empty stack file": broken_text(""),
    "a binary stack file": broken_text(bytes(range(256))),
    "a latin-1 stack file": broken_text("config: {exec:tenant: ü}".encode("latin-1")),
    "half a stack file": broken_text(BASE[: len(BASE) // 2]),
    "a deep stack file": broken_text("config: " + "[" * 5000),
    "odd values": broken_text("config: {exec:tenant: [*a, 2026-01-01, {? [1] : .nan}], 1: <<}"),
    "texts for sections": broken_text("config: {" + ", ".join(
        f"exec:{name}: {value}" for name, value in
        {"tenant": "x", "redis": "[]", "excs": "NaN", "exas": "{host: [1]}", "excp": "{pairs: [1]}",
         "logs": "{container_path: {}}", "preflight": "{waive: 1}", "ssh": "{hosts: x}",
         "stopped": "{}", "registry": "{username: []}"}.items()) + "}"),
    "a stack file that is a directory": files_are_directories,
    "a broken Pulumi.yaml": project_file("{"),
    "an empty PULUMI_STACK": variables(PULUMI_STACK=""),
    "a PULUMI_STACK of another world": variables(PULUMI_STACK="a/b/../c\u20ac"),
    "a directory that is gone": no_directory,
    "no stdin": closed_streams,
}  # fmt: skip


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "Pulumi.yaml").write_text("name: exec\nruntime: python\n")
    (tmp_path / "Pulumi.dev.yaml").write_text(BASE)
    (tmp_path / "gone").mkdir()
    return tmp_path


def in_a_child(project: Path, spoil: Callable[[Path], None], words: list[str]) -> tuple[int, str]:
    """The exit code and all that is said of a command in a process of its own, whose modules are
    loaded already: some hundred of them would take minutes else."""
    said = project / "said"
    pid = os.fork()
    if pid == 0:
        signal.alarm(PATIENCE_SECONDS)
        number = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        for stream in (1, 2):
            os.dup2(number, stream)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.chdir(project)
        os.environ.pop("PULUMI_CONFIG_PASSPHRASE", None)
        os.environ.pop("PULUMI_STACK", None)
        code = 99
        try:
            sys.stdin, sys.stdout, sys.stderr = (
                os.fdopen(0), os.fdopen(1, "w", closefd=False), os.fdopen(2, "w", closefd=False),
            )  # fmt: skip
            spoil(project)
            sys.argv = ["exctl", *words]
            try:
                code = __main__.run()
            except SystemExit as end:
                code = end.code if isinstance(end.code, int) else 98
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            os._exit(code)
    deadline = time.monotonic() + PATIENCE_SECONDS + 5
    while (done := os.waitpid(pid, os.WNOHANG))[0] == 0:
        assert time.monotonic() < deadline, words
        time.sleep(0.01)
    return os.waitstatus_to_exitcode(done[1]), said.read_text("utf-8", "replace")


@pytest.mark.parametrize("fuzz", FUZZ)
def test_every_command_survives(project: Path, fuzz: str) -> None:
    # A third of the commands each: with 13 spoilings every command meets four of them.
    for name in NAMES[[*FUZZ].index(fuzz) % 3 :: 3]:
        if "PULUMI_STACK" in fuzz and name in NO_HOST | {"preview", "destroy", "up"}:
            continue
        words = [name, *ARGUMENTS.get(name, [])]
        code, said = in_a_child(project, FUZZ[fuzz], words)
        assert code in CODES, (words, code, said)
        assert "Traceback" not in said, (words, said)
        assert "a mistake in exctl itself" not in said, (words, said)
        project.joinpath("gone").mkdir(exist_ok=True)
        if (project / "Pulumi.dev.yaml").is_dir():
            (project / "Pulumi.dev.yaml").rmdir()


def test_what_nobody_foresaw_is_one_sentence_with_a_file_that_holds_no_password(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fails(*_arguments: object, **_others: object) -> None:
        raise LookupError("redis://user:S3cr3t-pw@host")

    assert __main__.run(fails) == FAILED
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "a mistake in exctl itself (LookupError in test_unforeseen.py, line " in said
    assert "S3cr3t" not in said
    assert NOTHING_TOUCHED not in said
    path = Path(next(word for word in said.split() if word.endswith(".log;")).rstrip(";"))
    text = path.read_text("utf-8")
    path.unlink()
    assert "Traceback" in text
    assert "S3cr3t" not in text
