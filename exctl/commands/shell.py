"""`exctl shell`."""

from __future__ import annotations

import click

from exctl.cli import completion
from exctl.cli.options import on_stack
from exctl.errors import NothingTouched
from exctl.site import Site


@click.command()
@click.argument("instance", shell_complete=completion.instances)
@on_stack
def command(site: Site, instance: str) -> None:
    """Open a shell in an instance's container: bash if the image has it, else sh.

    If the image has no sh, use exctl exec to run what it has.

    Changes you make there are lost with the container; exctl drift doesn't see them.

    Example: exctl shell excs
    """
    from exctl.observe import inside
    from exctl.terminal.questions import is_terminal

    if not is_terminal():
        raise NothingTouched(
            f"a shell needs a terminal; for one command: exctl exec {instance} -- COMMAND."
        )
    raise SystemExit(inside.shell(site, inside.instance_of(site, instance)))
