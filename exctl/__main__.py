"""`exctl`: deploy and run EX Engage Connector."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from importlib import import_module

import click

from exctl.cli import unforeseen
from exctl.cli.usage import no_command, worded
from exctl.cli.vendor_spelling import translated
from exctl.errors import FAILED, INTERRUPTED, NOTHING_TOUCHED, USAGE, ExctlError
from exctl.pulumi.interrupts import as_ctrl_c, no_more

SECTIONS = {
    "Look (nothing is changed, no lock is taken)": (
        "status", "logs", "doctor", "preview", "drift", "releases", "history", "audit",
        "topology", "report", "support-bundle", "exporter", "monitoring", "survey",
        "genesys",
    ),
    "Change (shows its plan first, and asks)": (
        "up", "stop", "start", "restart", "update", "rollback", "rotate", "secret", "images",
        "plan", "approve", "destroy",
    ),
    "Many stacks": ("fleet",),
    "Set up, migrate, repair": (
        "init", "import-env", "adopt", "export-env", "transaction", "unlock", "forget",
        "exec", "shell", "kit", "completion",
    ),
}  # fmt: skip

COMPLETION_VARIABLE = "_EXCTL_COMPLETE"
"""Source: click; how a shell asks for completions."""
SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


class Commands(click.Group):
    """Loads a command's module when it is called, and lists the commands by what they are for."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        return [name for names in SECTIONS.values() for name in names]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        module = import_module(f"exctl.commands.{cmd_name.replace('-', '_')}")
        command: click.Command = module.command
        command.name = cmd_name
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and self.get_command(ctx, args[0]) is None and not ctx.resilient_parsing:
            raise click.UsageError(no_command(args[0], self.list_commands(ctx)), ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for title, names in SECTIONS.items():
            with formatter.section(title):
                commands = ((name, self.get_command(ctx, name)) for name in names)
                rows = [(name, found.get_short_help_str(200)) for name, found in commands if found]
                formatter.write_dl(rows)


def _show_version(ctx: click.Context, _option: click.Parameter, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        from exctl.cli.version import described

        click.echo(described())
        ctx.exit()


@click.group(cls=Commands, context_settings=SETTINGS)
@click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_show_version,
    help="Show the version of exctl and of what it runs with, and exit.",
)
def main() -> None:
    """Deploy and run EX Engage Connector.

    Each stack is one tenant and its EX organization, described in Pulumi.<stack>.yaml.

    The vendor's words work too: exctl --action start --service excp --pair 1 --host 1

    Exit codes: 0 done, 1 failed (the message says what state things are in), 2 a mistake in the
    command or the stack file (nothing was touched), 3 failed and rolled back, 4 something isn't
    healthy or isn't as it should be, 130 interrupted.
    """


def run(command: Callable[..., object] = main) -> int:
    """The exit code of the command that stands in sys.argv."""
    if COMPLETION_VARIABLE in os.environ:
        from exctl.cli import vendor_completion

        vendor_completion.begin()
    try:
        command(translated(sys.argv[1:]), prog_name="exctl", standalone_mode=False)
    except click.exceptions.Abort:
        click.echo(f"exctl: not done.\n{NOTHING_TOUCHED}", err=True)
        return INTERRUPTED
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return USAGE
    except click.ClickException as error:
        click.echo(f"exctl: {worded(error)}", err=True)
        return USAGE
    except ExctlError as error:
        click.echo(f"exctl: {error.text}", err=True)
        return error.code
    except KeyboardInterrupt:
        click.echo("exctl: interrupted; run the same command again to resume.", err=True)
        return INTERRUPTED
    except BrokenPipeError:  # whoever reads has had enough: `exctl logs | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return FAILED
    except Exception as error:  # noqa: BLE001  # the outermost: no operator meets a traceback
        click.echo(f"exctl: {unforeseen.worded(error)}", err=True)
        return FAILED
    return 0


def entry() -> None:
    unforeseen.prepare_streams()
    as_ctrl_c()
    code = run()
    no_more()  # a Ctrl-C while Python ends would replace the exit code
    sys.exit(code)


if __name__ == "__main__":
    entry()
