"""`exctl adopt`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from exctl.cli.options import changing, selecting
from exctl.runs.options import RunOptions
from exctl.site import Site

if TYPE_CHECKING:
    from stack.layout import Instance


@click.command()
@selecting
@changing
@click.option("--back", is_flag=True, help="the other way: legacy containers in the place of ours")
@click.option("--clean", is_flag=True, help="remove what was set aside, and plaintext passwords")
def command(
    site: Site, chosen: Sequence[Instance], how: RunOptions, back: bool, clean: bool
) -> None:
    """Take containers that compose or the vendor's script started under exctl's management.

    Shows how each differs from the one that takes its place, and asks. Then one instance after the
    other: the legacy container is stopped and renamed, ours is started and waited for; if that
    fails, the legacy one comes back. An instance of a pair is touched only while its peer serves.

    After a state was lost: containers of this stack that run as the stack file has them are taken
    back into the state as they are; one that differs is replaced in the same way.

    Example: exctl adopt excp --pair 1 --stack prod
    """
    from exctl.adoption import takeover
    from exctl.errors import NothingTouched

    if back and clean:
        raise NothingTouched("--back and --clean contradict each other.")
    if clean:
        takeover.clean(site, chosen, how.yes)
    elif back:
        takeover.back(site, chosen, how)
    else:
        takeover.adopt(site, chosen, how)
