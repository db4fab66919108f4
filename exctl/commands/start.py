"""`exctl start`."""

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
    """Start what was stopped, and wait until each instance is healthy.

    Example: exctl start excp --pair 1 --host 2
    """
    from exctl.runs import changes

    changes.start(site, chosen, how)
