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
@click.option("--force", is_flag=True, help="also a host that answers")
@yes_option
def command(site: Site, host: str, force: bool, yes: bool) -> None:
    """Take a host that is gone for good out of the state, with all that it held.

    Nothing is done on the host itself: if it comes back, its containers still run. A host that the
    stack file no longer has is forgotten by `exctl up` too, once it doesn't answer.

    Example: exctl forget 10.20.0.14
    """
    from exctl.runs import forget

    forget.forget(site, host, force, yes)
