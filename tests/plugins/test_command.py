"""Local commands: what runs when, what is shown meanwhile, what is kept, what is refused."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from tests.plugins.cli import Project
from tests.plugins.processes import wait_until, with_variable

FULL = """
import pulumi
from pulumi_command import local

variant = pulumi.Config().get("variant") or ""
local.Command(
    "full",
    create='cat; echo "$A" >&2; pwd',
    update='echo "after: $PULUMI_COMMAND_STDOUT"',
    delete='echo "gone: $PULUMI_COMMAND_STDOUT" > deleted',
    environment={"A": pulumi.Output.secret("s3cr3t-value")},
    stdin="from stdin\\n" + variant,
    dir=".",
    interpreter=["/bin/sh", "-eu", "-c"],
    logging=local.Logging.NONE,
    opts=pulumi.ResourceOptions(additional_secret_outputs=["stderr"]),
)
local.Command("lines", create="printf 'a\\\\n\\\\n'; printf b >&2", triggers=["t", {"k": variant}])
"""


def command(inputs: str) -> str:
    """A program with one command, made with these arguments."""
    return f"import pulumi\nfrom pulumi_command import local\nlocal.Command('c', {inputs})\n"


def test_a_commands_life(project: Project) -> None:
    project.program(FULL)
    assert project.up().code == 0
    rows = project.rows()
    full, lines = rows["full"]["outputs"], rows["lines"]["outputs"]
    assert full["stdout"] == f"from stdin\n{project.directory}"
    assert (lines["stdout"], lines["stderr"]) == ("a\n", "b")
    assert "s3cr3t-value" not in json.dumps(project.state())
    assert project.run("preview", "--expect-no-changes").code == 0
    assert project.run("refresh", "--yes", "--skip-preview", "--expect-no-changes").code == 0
    made = rows["full"]["id"], rows["lines"]["id"]

    assert project.run("config", "set", "variant", "2").code == 0
    plan = project.run("preview", "--diff")
    assert "1 to update" in plan.stdout
    assert "1 to replace" in plan.stdout
    assert project.up().code == 0
    rows = project.rows()
    assert rows["full"]["outputs"]["stdout"] == f"after: from stdin\n{project.directory}"
    assert rows["full"]["id"] == made[0]
    assert rows["lines"]["id"] != made[1]

    assert project.run("destroy", "--yes", "--skip-preview").code == 0
    said = (project.directory / "deleted").read_text()
    assert said == f"gone: after: from stdin\n{project.directory}\n"


def test_output_is_shown_while_the_command_runs(project: Project) -> None:
    project.program(command("create='echo first; sleep 4; echo second; echo quiet >&2',"
                            "logging=local.Logging.STDOUT"))  # fmt: skip
    run = project.start("up", "--yes", "--skip-preview")
    assert run.stdout is not None
    seen: dict[str, float] = {}
    for line in run.stdout:
        for word in ("first", "second", "quiet"):
            if line.rstrip().endswith(word):
                seen.setdefault(word, time.monotonic())
    run.communicate()
    assert sorted(seen) == ["first", "second"]
    assert seen["second"] - seen["first"] > 3


def test_a_failing_command_is_told_with_all_it_printed(project: Project) -> None:
    project.program(command("create='echo half; echo why >&2; exit 3'"))
    done = project.up()
    assert done.code == 1
    diagnostics = done.text[done.text.index("Diagnostics:") :].splitlines()
    told = diagnostics.index('    error: exit status 3: running "echo half; echo why >&2; exit 3":')
    # Two pipes: which line came first, nobody can know.
    assert sorted(diagnostics[told + 1 : told + 3]) == ["    half", "    why"]
    assert "KeyboardInterrupt" not in done.text
    assert "c" not in project.rows()


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ("create='pwd', dir='/no/such'", "/no/such: No such file or directory"),
        ("create='x', interpreter=['/no/shell']", "/no/shell: No such file or directory"),
        ("create='kill -9 $$'", "signal: killed"),
        (
            "create='sleep 30', opts=pulumi.ResourceOptions("
            "custom_timeouts=pulumi.CustomTimeouts(create='1s'))",
            'no end within 1 s: running "sleep 30"',
        ),
    ],
)
def test_a_command_that_cannot_end_well_says_why(inputs: str, said: str, project: Project) -> None:
    project.program(command(inputs))
    done = project.up()
    assert done.code == 1
    assert said in done.text


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ("'assetPaths': ['*']", ["assetPaths", "is not supported by this plugin"]),
        ("'create': 5", ["property create value {5} has a problem: must be a string"]),
        ("'environment': {'A': ['b']}", ["environment.A", "must be a string"]),
        ("'logging': 'loud'", ["must be one of stdout, stderr, stdoutAndStderr, none"]),
        ("'creat': 'x'", ["property creat ", "is not a property of this resource; it has"]),
    ],
)
def test_what_it_cannot_do_is_refused_by_name_before_anything_runs(
    inputs: str, said: list[str], project: Project
) -> None:
    project.program(
        f"import pulumi\npulumi.CustomResource('command:local:Command', 'c', {{{inputs}}})\n"
    )
    done = project.run("preview")
    assert done.code == 1
    assert all(words in " ".join(done.text.split()) for words in said), done.text


def test_an_interrupt_ends_the_command(project: Project) -> None:
    mark = project.directory / "mark"
    project.program(command("create='touch mark; sleep 300 & wait'"))
    run = project.start("up", "--yes", "--skip-preview")
    wait_until(mark.exists, "the command runs")
    run.send_signal(2)
    began = time.monotonic()
    stdout, stderr = run.communicate(timeout=60)
    assert time.monotonic() - began < 30
    assert run.returncode != 0
    assert "signal: terminated" in stdout + stderr
    wait_until(lambda: not with_variable("TMPDIR", project.variables["TMPDIR"]), "nothing left")


def test_a_killed_cli_takes_its_commands_along(project: Project) -> None:
    mark = project.directory / "mark"
    project.program(command("create='touch mark; sleep 300 & wait'"))
    run = project.start("up", "--yes", "--skip-preview")
    wait_until(mark.exists, "the command runs")
    run.kill()
    run.communicate()
    wait_until(lambda: not with_variable("TMPDIR", project.variables["TMPDIR"]), "nothing left")
    assert not list(Path(project.variables["TMPDIR"]).iterdir())


def test_nothing_runs_in_a_preview(project: Project) -> None:
    project.program(command("create='touch made'"))
    assert project.run("preview").code == 0
    assert not (project.directory / "made").exists()
