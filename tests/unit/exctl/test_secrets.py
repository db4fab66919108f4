"""Secrets are set one by one, from a terminal or a pipe, and refused alike from everywhere."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from exctl.pulumi.process import cli_path
from exctl.stackfile import secret_sources
from exctl.terminal.questions import unusable, without_line_end
from tests.unit.exctl.terminal import Terminal
from tests.unit.stack_file import CLONE

PASSPHRASE = "correct-horse"
CLI = cli_path()


@pytest.mark.parametrize(
    ("value", "why"),
    [("", "is empty"), ("a\nb", "has several lines"), ("a\r\nb", "has several lines"),
     (" a", "begins or ends with a blank"), ("a\t", "can't be printed"), ("a ", "with a blank"),
     ("\ufeffa", "byte order mark"), ("a\0b", "can't be printed")],
)  # fmt: skip
def test_what_cant_be_a_secret_is_refused_alike_from_variables_files_lines_and_stdin(
    value: str, why: str, tmp_path: Path
) -> None:
    assert why in unusable(value)
    path = tmp_path / "secret"
    path.write_text(value, "utf-8", newline="")
    by_file = secret_sources.from_environment({"EXCTL_REDIS_PASSWORD_FILE": str(path)})
    assert by_file[0] == {}
    assert why in by_file[1][0].text
    if "\0" not in value:
        found = secret_sources.from_environment({"EXCTL_REDIS_PASSWORD": value})
        assert found[0] == {}
        assert why in found[1][0].text


def test_one_line_end_is_not_the_secrets() -> None:
    assert [without_line_end(text) for text in ("a\n", "a\r\n", "a", "a\n\n")] == [
        "a", "a", "a", "a\n",
    ]  # fmt: skip


def exctl(
    project: Path, *words: str, text: str = "", passphrase: str = PASSPHRASE
) -> tuple[int, str]:
    run = subprocess.run(
        [sys.executable, "-m", "exctl", *words],
        cwd=project,
        env={**os.environ, "PYTHONPATH": str(CLONE), "PULUMI_CONFIG_PASSPHRASE": passphrase},
        input=text,
        capture_output=True,
        encoding="utf-8",
    )
    return run.returncode, run.stdout + run.stderr


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A stack whose file has no secret yet, and two problems besides."""
    directory = tmp_path_factory.mktemp("project")
    (directory / "Pulumi.yaml").write_text(
        "name: exec\nruntime: python\nbackend:\n  url: file://./.exec/state\n"
    )
    (directory / "Pulumi.s.yaml").write_text("config:\n  exec:redis: {port: x}\n")
    return directory


@pytest.mark.skipif(CLI is None, reason="needs the Pulumi CLI")
def test_secrets_are_put_right_one_after_the_other_whatever_else_is_wrong(project: Path) -> None:
    names = ("redisPassword", "configDbPassword")
    for name in names:
        code, said = exctl(project, "secret", "set", name, text="S3cr3t-pw\n")
        assert (code, f"{name} is set in Pulumi.s.yaml" in said) == (0, True), said
        assert "S3cr3t" not in said
    code, said = exctl(project, "secret", "list", "--json")
    rows = {row["name"]: (row["is_set"], row["is_needed"]) for row in json.loads(said)}
    assert rows["redisPassword"] == rows["configDbPassword"] == (True, True)
    assert rows["registryPassword"] == rows["oauthClientSecret"] == (False, False)
    before = (project / "Pulumi.s.yaml").read_text()
    assert "S3cr3t" not in before
    assert [path.name for path in project.glob(".*") if path.name != ".exec"] == []

    wrong = "the passphrase isn't the one that the secrets of Pulumi.s.yaml are encrypted with"
    for words in (["secret", "set", "redisPassword"], ["rotate", "redisPassword", "--yes"]):
        code, said = exctl(project, *words, text="x\n", passphrase="another")
        assert code in (1, 2), said
        assert wrong in said
        assert "Traceback" not in said
    assert (project / "Pulumi.s.yaml").read_text() == before


@pytest.mark.skipif(CLI is None, reason="needs the Pulumi CLI")
def test_a_passphrase_is_typed_once_for_all_that_a_command_asks_of_pulumi(project: Path) -> None:
    exctl(project, "secret", "set", "redisPassword", text="S3cr3t-pw\n")
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PULUMI_")}
    command = [sys.executable, "-m", "exctl", "secret", "set", "redisPassword", "--stack", "s"]
    with Terminal(command, project, environment | {"PYTHONPATH": str(CLONE)}) as terminal:
        terminal.answer("new redisPassword", "another-pw")
        terminal.answer("the same again", "another-pw")
        terminal.answer("Passphrase of stack s", PASSPHRASE)
        terminal.expect("redisPassword has a new value in Pulumi.s.yaml", 60)
        assert "Passphrase" not in terminal.expect("\n")
