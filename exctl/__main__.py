"""`exctl`: deploy and run EX Engage Connector."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import click

from exctl.errors import INTERRUPTED, UNHEALTHY, USAGE, ExctlError

if TYPE_CHECKING:
    from exctl.site import Site

STACK = click.option(
    "--stack", "-s", metavar="NAME", help="stack; else PULUMI_STACK, or the only one"
)
YES = click.option("--yes", "-y", is_flag=True, help="don't ask")
JSON = click.option("--json", "as_json", is_flag=True, help="for programs; stable")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Deploy and run EX Engage Connector.

    Each stack is one tenant and its EX organization, written down in Pulumi.<stack>.yaml.

    Exit codes: 0 done, 1 failed (the message says what state things are in), 2 a mistake in the
    command or the stack file (nothing was touched), 4 something is not healthy, 130 interrupted.
    """


@main.command()
@STACK
@YES
@click.option(
    "--allow-outage", is_flag=True, help="touch an instance though its peer doesn't serve"
)
@click.option("--message", "-m", metavar="TEXT", help="why; kept in the stack's history")
def up(stack: str | None, yes: bool, allow_outage: bool, message: str | None) -> None:
    """Bring the stack to what its file says.

    Looks at the hosts first, shows what will be touched, and asks. Then pulls every image, and goes
    EXCS, its sync, EXAS and the pairs, an instance at a time within a pair, each of them gated on
    its health. Example: exctl up --stack dev
    """
    from exctl import runs

    runs.up(_site(stack), yes, allow_outage, message)


@main.command()
@STACK
@JSON
def preview(stack: str | None, as_json: bool) -> None:
    """Show what `up` would touch; changes nothing. Example: exctl preview --stack dev"""
    from exctl import runs

    planned = runs.preview(_site(stack))
    if as_json:
        click.echo(json.dumps([vars(touch) for touch in planned], indent=2))
    elif not planned:
        click.echo("no container would be touched")
    else:
        for touch in planned:
            click.echo(str(touch))


@main.command()
@STACK
@JSON
def status(stack: str | None, as_json: bool) -> None:
    """Ask every instance how it is; exit 4 if one isn't healthy. Example: exctl status --json"""
    from exctl import endpoints

    site = _site(stack)
    rows = endpoints.ask_all(site)
    if as_json:
        click.echo(
            json.dumps({"stack": site.stack, "instances": endpoints.as_json(rows)}, indent=2)
        )
    else:
        for line in endpoints.table(rows):
            click.echo(line)
    if endpoints.unhealthy(rows):
        raise SystemExit(UNHEALTHY)


@main.command()
@STACK
@YES
def destroy(stack: str | None, yes: bool) -> None:
    """Remove every container of the stack: pairs, EXAS, then EXCS.

    Log files on the hosts, Redis, the Config DB and the EX organization stay as they are.
    Example: exctl destroy --stack dev
    """
    from exctl import runs

    runs.destroy(_site(stack), yes)


def _site(stack: str | None) -> Site:
    from exctl.site import open_site

    return open_site(stack)


def run() -> int:
    """The exit code of the command that stands in sys.argv."""
    try:
        main(standalone_mode=False)
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
