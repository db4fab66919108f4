"""`exctl unlock`."""

from __future__ import annotations

import click

from exctl.cli.options import on_stack, recorded, yes_option
from exctl.errors import ExctlError
from exctl.site import Site


@click.command()
@on_stack
@recorded
@yes_option
def command(site: Site, yes: bool) -> None:
    """Remove the lock that a killed run left; says first whose it is.

    Refuses while that run's process still lives on this host.

    Example: exctl unlock --stack dev
    """
    from exctl.pulumi import lock
    from exctl.releases import store
    from exctl.terminal.messages import say, show
    from exctl.terminal.questions import confirm

    found = lock.holders(site)
    killed = lock.killed_command(site)
    if not found:
        show(f"nobody holds the lock of the stack {site.stack}")
        for line in store.ways_on(site, killed) if killed else ():
            show(line)
        return
    for holder in found:
        say(f"held by {lock.described(holder)}")
    if any(holder.lives for holder in found):
        raise ExctlError("that run still goes on; wait for it or end it.", touched=False)
    if not yes:
        confirm("Take the lock?")
    lock.release(site)
    show("the lock is free")
    for line in store.ways_on(site, killed):
        show(line)
