"""`exctl restart`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from exctl.cli.options import gated, selecting
from exctl.runs.options import RunOptions
from exctl.site import Site

if TYPE_CHECKING:
    from stack.layout import Instance


@click.command()
@selecting
@gated
def command(site: Site, chosen: Sequence[Instance], how: RunOptions) -> None:
    """Replace containers with new ones of the same release, one instance of a pair after the other.

    Example: exctl restart excp --pair 1
    """
    from exctl.runs import changes

    changes.restart(site, chosen, how)
