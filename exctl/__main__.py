"""`exctl`: deploy and run EX Engage Connector."""

from __future__ import annotations

import sys

import click

from exctl import commands_change, commands_read
from exctl.errors import INTERRUPTED, USAGE, ExctlError
from exctl.vendor_line import translated


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Deploy and run EX Engage Connector.

    Each stack is one tenant and its EX organization, written down in Pulumi.<stack>.yaml.

    The vendor's words work too: exctl --action start --service excp --pair 1 --host 1

    Exit codes: 0 done, 1 failed (the message says what state things are in), 2 a mistake in the
    command or the stack file (nothing was touched), 3 failed and rolled back, 4 something is not
    healthy or not as it should be, 130 interrupted.
    """


for _command in (*commands_read.COMMANDS, *commands_change.COMMANDS):
    main.add_command(_command)


def run() -> int:
    """The exit code of the command that stands in sys.argv."""
    try:
        main(translated(sys.argv[1:]), prog_name="exctl", standalone_mode=False)
    except click.exceptions.Abort:
        click.echo("exctl: not done; nothing was touched.", err=True)
        return INTERRUPTED
    except click.ClickException as error:
        error.show()
        return USAGE
    except ExctlError as error:
        click.echo(f"exctl: {error}", err=True)
        return error.code
    except KeyboardInterrupt:
        click.echo(
            "exctl: interrupted. The step under way was finished and saved, nothing after it was"
            " begun; run the same command again to go on.",
            err=True,
        )
        return INTERRUPTED
    return 0


def entry() -> None:
    sys.exit(run())


if __name__ == "__main__":
    entry()
