"""The command line: what is there, what is refused by name, and the exit codes."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import click

from engine.backend import StackNotFound
from engine.session import EXPECTED, CommandFailed, make_session

# name -> module and command; old and new spellings alike.
COMMANDS = {
    "up": "commands_run:up",
    "update": "commands_run:up",
    "preview": "commands_run:preview",
    "pre": "commands_run:preview",
    "destroy": "commands_run:destroy",
    "down": "commands_run:destroy",
    "refresh": "commands_run:refresh",
    "stack": "commands_stack:stack",
    "config": "commands_config:config",
    "state": "commands_state:state",
    "cancel": "commands_state:cancel",
    "login": "commands_state:login",
    "logout": "commands_state:logout",
    "whoami": "commands_state:whoami",
    "version": "commands_state:version",
}
REFUSED = frozenset(
    [
        "about",
        "ai",
        "console",
        "convert",
        "deployment",
        "do",
        "env",
        "gen-completion",
        "import",
        "install",
        "logs",
        "neo",
        "new",
        "org",
        "package",
        "plugin",
        "policy",
        "query",
        "replay-events",
        "schema",
        "template",
        "trace",
        "view-trace",
        "watch",
    ]
)
# Options of the CLI that this engine doesn't have: named, so that nobody takes them for typing
# errors; the value says whether one follows.
REFUSED_OPTIONS = frozenset(
    [
        "--attach-debugger",
        "--exclude-dependents",
        "--show-config",
        "--client",
        "--import-file",
        "--import-pending-creates",
        "--plan",
        "--policy-pack",
        "--policy-pack-config",
        "--remote",
        "--run-program",
        "--save-plan",
        "--tracing",
        "--profiling",
        "--strict",
        "--config-env",
        "--exec-agent",
        "--show-policy-remediations",
        "--neo",
        "--otel-traces",
        "--copilot",
    ]
)
_BOOLEANS = frozenset(
    [
        "--yes",
        "--skip-preview",
        "--refresh",
        "--target-dependents",
        "--expect-no-changes",
        "--continue-on-error",
        "--diff",
        "--json",
        "--show-sames",
        "--show-full-output",
        "--show-secrets",
        "--suppress-outputs",
        "--suppress-progress",
        "--non-interactive",
        "--preview-only",
        "--exclude-protected",
        "--remove",
        "--force",
        "--clear-pending-creates",
        "--skip-pending-creates",
        "--show-reads",
        "--show-replacement-steps",
        "--suppress-permalink",
        "--disable-integrity-checking",
        "--run-program",
        "--logtostderr",
        "--skip-config-validation",
    ]
)


class Commands(click.Group):
    """Loads a command's module when it is called; refuses what isn't there in the CLI's words."""

    table: dict[str, str] = COMMANDS
    refused: frozenset[str] = REFUSED
    path = "pulumi"

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(self.table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        found = self.table.get(cmd_name)
        if found is None:
            return super().get_command(ctx, cmd_name)
        module, _, name = found.partition(":")
        command: click.Command = getattr(import_module(f"engine.{module}"), name)
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        name = args[0]
        if self.get_command(ctx, name) is None:
            if name in self.refused:
                raise CommandFailed(
                    f"this engine doesn't support `{self.path} {name}`; use the Pulumi CLI"
                )
            raise CommandFailed(
                f'unknown command "{name}" for "{self.path}"\nRun \'{self.path} --help\' for usage.'
            )
        return super().resolve_command(ctx, args)


@click.group(
    cls=Commands,
    invoke_without_command=True,
    help="A Pulumi engine in pure Python for Python programs and file:// backends. "
    "It is not the Pulumi CLI: see engine/README.md for what it runs and refuses.",
)
@click.option("-C", "--cwd", metavar="DIR", help="Run as if started in DIR.")
@click.option("--non-interactive", is_flag=True, help="Never ask.")
@click.option("--color", default="auto", help="always, never, raw or auto.")
@click.option("-v", "--verbose", default="0", hidden=True)
@click.option("-Q", "--fully-qualify-stack-names", is_flag=True)
@click.option("--logtostderr", is_flag=True, hidden=True)
@click.option("--logflow", is_flag=True, hidden=True)
@click.option("--emoji", is_flag=True, hidden=True)
@click.option("--disable-integrity-checking", is_flag=True, hidden=True)
@click.pass_context
def main(ctx: click.Context, /, cwd: str | None, non_interactive: bool, **ignored: Any) -> None:
    """Enter the directory and make the session."""
    if cwd:
        os.chdir(cwd)
    if ignored.get("disable_integrity_checking"):
        raise CommandFailed("this engine never leaves out the integrity check of a state")
    ctx.obj = make_session(non_interactive)
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


# Options that the CLI takes before and after the command's name alike.
_GLOBAL_FLAGS = frozenset({"--non-interactive", "--logtostderr", "--disable-integrity-checking"})
_GLOBAL_VALUES = frozenset({"-C", "--cwd", "--color"})


def normalised(arguments: Sequence[str]) -> list[str]:
    """The arguments with global options first and `--flag=true|false` spelled out. CommandFailed
    for options of the CLI that this engine doesn't have."""
    first: list[str] = []
    rest: list[str] = []
    pending = list(arguments)
    while pending:
        argument = pending.pop(0)
        if argument == "--":
            return [*first, *rest, "--", *pending]
        name, equals, value = argument.partition("=")
        if name in REFUSED_OPTIONS and not (name == "--run-program" and value == "false"):
            raise CommandFailed(f"this engine doesn't support {name}; use the Pulumi CLI")
        if equals and name in _BOOLEANS:
            if value.lower() in ("false", "0", "f"):
                continue
            argument = name
        if name in _GLOBAL_FLAGS:
            first.append(argument)
        elif name in _GLOBAL_VALUES:
            first += [argument] if equals or not pending else [argument, pending.pop(0)]
        else:
            rest.append(argument)
    return first + rest


def run(arguments: Sequence[str]) -> int:
    """The exit code of one command line; what goes wrong is said on stderr."""
    try:
        result = main.main(normalised(arguments), prog_name="pulumi", standalone_mode=False)
        return int(result or 0)
    except CommandFailed as problem:
        return _failed(str(problem), problem.code)
    except click.NoSuchOption as problem:
        return _failed(f"unknown flag: {problem.option_name}", 1)
    except click.exceptions.Exit as ended:
        return ended.exit_code
    except click.ClickException as problem:
        return _failed(problem.format_message(), 1)
    except StackNotFound as problem:
        return _failed(str(problem), 6)
    except EXPECTED as problem:
        return _failed(str(problem), 1)
    except (KeyboardInterrupt, click.Abort):
        return _failed("cancelled", 8)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as problem:  # a disk that's full, a directory that isn't ours
        return _failed(str(problem), 1)


def _failed(message: str, code: int) -> int:
    if message:
        print(f"error: {message}", file=sys.stderr)
    return code
