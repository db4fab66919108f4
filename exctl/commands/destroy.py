"""`exctl destroy`."""

from __future__ import annotations

import click

from exctl.cli.options import locking, on_stack, yes_option
from exctl.site import Site


@click.command()
@on_stack
@locking
@yes_option
def command(site: Site, yes: bool) -> None:
    """Remove every container of the stack: pairs, EXAS, then EXCS.

    Log files on the hosts, Redis, the Config DB and the EX organization stay as they are. Refuses
    if the hosts have containers of this stack that its state doesn't know. Exit code 4 if a host
    that the state doesn't know couldn't be asked.

    Example: exctl destroy --stack dev
    """
    from exctl.runs import approval, destruction

    approval.refuse_without_plan(site, "destroy")
    destruction.destroy(site, yes)
