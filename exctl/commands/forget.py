"""`exctl forget`."""

from __future__ import annotations

import click

from exctl.cli import completion
from exctl.cli.options import locking, on_stack, yes_option
from exctl.site import Site


@click.command()
@click.argument("host", shell_complete=completion.addresses)
@on_stack
@locking
@click.option("--force", is_flag=True, help="even if the host answers")
@yes_option
def command(site: Site, host: str, force: bool, yes: bool) -> None:
    """Remove a host that is gone for good from the state, with everything on it.

    Nothing is done on the host itself: if it comes back, its containers still run. `exctl up` also
    forgets a host that the stack file no longer has, once it doesn't answer.

    Example: exctl forget 10.20.0.14
    """
    from exctl.runs import forget

    forget.forget(site, host, force, yes)
