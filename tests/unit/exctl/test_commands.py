"""Every command: an example, a page, errors in our words, words that the shell completes."""

from __future__ import annotations

import ast
import os
import re
import resource
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest

from exctl.__main__ import SECTIONS, main
from exctl.cli import pages
from exctl.cli.usage import no_command
from tests.unit.stack_file import CLONE

NAMES = [name for names in SECTIONS.values() for name in names]


def command(name: str) -> click.Command:
    found = main.get_command(click.Context(main), name)
    assert found is not None
    return found


def exctl(*arguments: str, cwd: Path = CLONE, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "exctl", *arguments],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(CLONE), **variables},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )


def completed(words: str, cwd: Path = CLONE) -> list[str]:
    parts = words.split(" ")
    variables = {"COMP_WORDS": words, "COMP_CWORD": str(len(parts) - 1)}
    run = exctl(cwd=cwd, _EXCTL_COMPLETE="bash_complete", **variables)
    assert not run.stderr
    return [line.removeprefix("plain,") for line in run.stdout.split()]


def test_every_module_of_a_command_is_listed() -> None:
    files = {path.stem.replace("_", "-") for path in (CLONE / "exctl/commands").glob("[!_]*.py")}
    assert files == set(NAMES)


def all_commands() -> list[tuple[str, click.Command]]:
    """(what is typed for it, command), the parts of a group included."""
    found = []
    for name in NAMES:
        whole = command(name)
        found.append((name, whole))
        if isinstance(whole, click.Group):
            found += [(f"{name} {part}", each) for part, each in whole.commands.items()]
    return found


@pytest.mark.parametrize(("typed", "found"), all_commands())
def test_every_command_has_an_example_of_its_own(typed: str, found: click.Command) -> None:
    assert f"exctl {typed}" in "\n".join(pages.examples_of(found))


EXAMPLES = [example for _, found in all_commands() for example in pages.examples_of(found)]


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_is_a_command_that_would_be_taken(
    example: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Parsed as it would be, with every check of an argument, but not carried out."""
    monkeypatch.chdir(tmp_path)
    line = example.split(" > ")[0].split(" < ")[0].removeprefix('eval "$(').removesuffix(')"')
    program, name, *words = shlex.split(line)
    assert program == "exctl"
    for word in words:
        if word.endswith(".tgz"):
            (tmp_path / word).touch()
    context, found = click.Context(main, info_name="exctl"), command(name)
    while isinstance(found, click.Group) and not words[0].startswith("-"):
        context = click.Context(found, context, name)
        part_name, part, words = found.resolve_command(context, words)
        assert part is not None
        assert part_name is not None
        name, found = part_name, part
    found.make_context(name, words, context)


def test_the_pages_of_the_commands_are_up_to_date() -> None:
    there = {path.name: path.read_text() for path in pages.DIRECTORY.glob("*.md")}
    stale = [name for name, text in pages.pages().items() if there.get(name) != text]
    assert not stale, "write them again with: python -m exctl.cli.pages"
    assert there.keys() == pages.pages().keys()


def test_naming_the_commands_loads_neither_pulumi_nor_pydantic() -> None:
    modules = [f"exctl.commands.{name.replace('-', '_')}" for name in NAMES]
    code = f"""
import importlib, sys
for name in {modules}:
    importlib.import_module(name)
print([name for name in ("pulumi", "pydantic", "yaml", "ruamel") if name in sys.modules])
"""
    run = subprocess.run([sys.executable, "-c", code], cwd=CLONE, capture_output=True, text=True)
    assert run.stdout.strip() == "[]", run.stdout + run.stderr


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "Pulumi.yaml").write_text("name: exec\n")
    for name in ("prod", "test"):
        text = (CLONE / "Pulumi.dev.yaml").read_text()
        (tmp_path / f"Pulumi.{name}.yaml").write_text(text)
    releases = tmp_path / "releases/prod"
    releases.mkdir(parents=True)
    (releases / "audit.jsonl").write_text('{"kind": "begun"}\n{"kind": "ended"}\n' * 2)
    (releases / "0012.yaml").write_text("images:\n  excs:\n    tag: 100.0.100.9\n")
    return tmp_path


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("exctl re", {"releases", "report", "restart"}),
        ("exctl status --stack ", {"prod", "test"}),
        ("exctl status --s", {"--stack"}),
        ("exctl logs ex", {"excs", "exas", "excp"}),
        ("exctl stop --stack prod excp --pair ", {"1"}),
        ("exctl stop --stack prod excp --host 10.77.0.10", {"10.77.0.101", "10.77.0.104"}),
        ("exctl rollback --stack prod ", {"12"}),
        ("exctl update excs --stack prod --tag ", {"100.0.100.9", "100.0.100.11"}),
        ("exctl rotate re", {"redisPassword", "registryPassword"}),
        ("exctl completion ", {"bash", "zsh", "fish"}),
        ("exctl rollback --stack prod ex", {"excs", "exas", "excp"}),
        ("exctl rollback --stack prod --to ", {"12"}),
        ("exctl history --stack prod ", {"1", "2"}),
        ("exctl forget --stack prod 10.77.0.10", {"10.77.0.101", "10.77.0.104"}),
        ("exctl --ac", {"--action"}),
        ("exctl --action re", {"restart"}),
        ("exctl --action stop --s", {"--stack", "--service"}),
        ("exctl --action stop --service ex", {"excs", "exas", "excp"}),
        ("exctl --service excp --action r", {"restart", "rollback"}),
        ("exctl --action stop --stack prod --service excp --pair ", {"1"}),
        ("exctl --action stop --stack prod --service excp --pair 1 --host ", {"1", "2"}),
        ("exctl --action update --service excs --stack prod --tag ", {"100.0.100.9"}),
    ],
)
def test_the_shell_completes(project: Path, words: str, expected: set[str]) -> None:
    assert expected <= set(completed(words, project))


def test_completion_without_a_project_or_a_stack_is_no_error(project: Path) -> None:
    assert completed("exctl stop excp --pair ", project) == []
    assert completed("exctl rollback --stack nowhere 1", project) == []
    assert completed("exctl --action explode --pair ", project) == []


def test_completing_is_fast() -> None:
    """In seconds of CPU: on a machine that does nothing else, what somebody waits at a TAB."""
    fastest = min(seconds_of_cpu("exctl ") for _ in range(3))
    print(f"a completion takes {fastest:.2f} s")
    assert fastest < 0.3


def seconds_of_cpu(words: str) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert "status" in completed(words)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_each_shell_asks_exctl(shell: str) -> None:
    assert f"_EXCTL_COMPLETE={shell}_complete" in exctl("completion", shell).stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["statsu"], "there is no command statsu; did you mean status"),
        (["status", "--jsn"], "there is no option --jsn; did you mean --json?"),
        (["--verson"], "there is no option --verson; did you mean --version?"),
        (["update", "excs"], "--tag is missing: the image's version."),
        (["rotate"], "SECRET is missing."),
        (["logs", "exsc"], "exsc is not one of excs, exas, excp."),
        (["logs", "--tail", "x"], "--tail: x is not a valid integer."),
        (["status", "--interval-seconds", "nan"], "nan is not a number of seconds."),
        (["up", "--lock-wait", "inf"], "inf is not a number of seconds."),
        (["unlock", "now"], "got unexpected extra argument (now)."),
    ],
)
def test_a_mistake_in_the_command_line_is_worded_and_ends_with_2(
    arguments: list[str], words: str
) -> None:
    run = exctl(*arguments)
    assert run.returncode == 2
    assert run.stderr.startswith("exctl: ")
    assert words in run.stderr
    assert "Nothing was touched." in run.stderr
    assert "--help" in run.stderr
    assert not run.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["update", "excp", "--tag", "latest"], "--tag: 'latest' moves; name a version such as"),
        (["update", "excp", "--tag", "a b"], "--tag: 'a b' is not an image tag"),
        (["logs", "--since", "yesterday"], "--since: yesterday is neither a duration"),
        (["logs", "--grep", "("], "--grep: ( is no regular expression"),
        (["import-env", "x", "--stack", "s", "--set", "a"], "write it as section.name=value"),
        (["import-env", "x", "--stack", "s", "--set", "ssh..user=a"], "write it as section.name"),
        (
            ["import-env", "x", "--stack", "s", "--set", "ssh.user=@a"],
            "--set ssh.user has 1 problem",
        ),
        (["import-env", "x", "--stack", "s", "--set", "ssh.user=on"], "put it in quotes"),
        (["secret", "set", "password"], "password isn't a secret; there are redisPassword,"),
    ],
)
def test_junk_in_an_option_is_refused_with_what_is_allowed(
    arguments: list[str], words: str
) -> None:
    run = exctl(*arguments)
    assert words in run.stderr
    assert run.returncode == 2
    assert run.stderr.endswith("Nothing was touched.\n")


PROSE = ("uses",)
ROOMS = ("exctl", "stack", "health", "hosts", "components")
NAMED = re.compile(r"(?m)(?:: |`|^ *|again: )exctl ([a-z][a-z-]*)((?: [^\s.,;:()`]+)*)")


def named_commands() -> list[tuple[str, str, str]]:
    """(file, command, words behind it) of every command that a text of ours names."""
    found = []
    for path in (path for room in ROOMS for path in (CLONE / room).rglob("*.py")):
        nodes = [*ast.walk(ast.parse(path.read_text("utf-8")))]
        told_to_readers = {node.value for node in nodes if isinstance(node, ast.Expr)}
        for node in nodes:
            if node in told_to_readers:
                continue
            if isinstance(node, ast.JoinedStr):
                parts = [str(p.value) if isinstance(p, ast.Constant) else "X" for p in node.values]
                text = "".join(parts)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                text = node.value
            else:
                continue
            found += [(path.name, name, words) for name, words in NAMED.findall(text)]
    return found


def test_every_command_that_a_message_names_is_one_with_its_options() -> None:
    found = named_commands()
    assert len(found) > 60
    wrong: list[tuple[str, ...]] = []
    for file, name, words in found:
        if name not in NAMES:
            wrong += [(file, name)] if name not in PROSE else []
            continue
        named = command(name)
        parts = words.split()
        if isinstance(named, click.Group) and parts and parts[0] in named.commands:
            named = named.commands[parts[0]]
        known = {option for each in named.params for option in each.opts}
        known |= {"--help", "--"}
        wrong += [(file, name, part) for part in parts if part[:1] == "-" and part not in known]
    assert wrong == []


def test_a_word_like_nothing_gets_no_suggestion() -> None:
    assert no_command("xyzzy", NAMES) == "there is no command xyzzy"


def test_version_says_what_runs() -> None:
    run = exctl("--version")
    assert run.returncode == 0
    assert run.stdout.startswith("exctl 0.")
    assert "Pulumi CLI " in run.stdout


def test_without_a_command_the_help_is_shown() -> None:
    run = exctl()
    assert run.returncode == 2
    assert "Set up, migrate, repair" in run.stderr + run.stdout
