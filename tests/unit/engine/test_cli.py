"""Proves that the command line explains itself, and refuses what it doesn't do by name."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest

from engine.cli import REFUSED_OPTIONS, Commands, main, run


def commands(group: click.Group, path: str = "pulumi") -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield f"{path} {name}", command
        if isinstance(command, click.Group):
            yield from commands(command, f"{path} {name}")


COMMANDS = dict(commands(main))


@pytest.mark.parametrize("path", COMMANDS)
def test_every_command_and_option_says_what_it_does(path: str) -> None:
    command = COMMANDS[path]
    assert command.get_short_help_str()
    for option in command.params:
        if isinstance(option, click.Option) and not option.hidden:
            assert option.help, f"{path} {option.opts}"
            assert "golden" not in option.help
    assert "golden" not in (command.help or "")


REFUSED = [
    f"{path} {name}"
    for path, group in {"pulumi": main, **COMMANDS}.items()
    if isinstance(group, Commands)
    for name in sorted(group.refused)
]


@pytest.mark.parametrize("words", REFUSED)
def test_a_command_of_the_cli_that_is_not_here_is_refused_by_name(
    words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(words.split()[1:]) == 1
    assert f"doesn't support `{words}`; use the Pulumi CLI" in capsys.readouterr().err


@pytest.mark.parametrize("option", sorted(REFUSED_OPTIONS))
def test_an_option_of_the_cli_that_is_not_here_is_refused_by_name(
    option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["up", option]) == 1
    assert f"doesn't support {option}; use the Pulumi CLI" in capsys.readouterr().err


def test_a_typing_error_is_told_from_what_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["upp"]) == 1
    assert 'unknown command "upp"' in capsys.readouterr().err
    assert run(["up", "--yess"]) == 1
    assert "unknown flag: --yess" in capsys.readouterr().err
