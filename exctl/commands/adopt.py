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
@click.option("--back", is_flag=True, help="the way back: legacy containers instead of ours")
@click.option(
    "--clean",
    is_flag=True,
    help="remove the containers that were set aside, and files with plaintext passwords",
)
def command(
    site: Site, chosen: Sequence[Instance], how: RunOptions, back: bool, clean: bool
) -> None:
    """Take containers that compose or the vendor's script started under exctl's management.

    Shows how each differs from its replacement, and asks. Then, one instance after the other, stops
    and renames the legacy container, starts ours and waits until it is healthy; if that fails, the
    legacy container comes back. An instance of a pair is touched only while its peer serves.

    If the state was lost: containers of this stack that match the stack file are taken back into
    the state as they are; one that differs is replaced in the same way.

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
