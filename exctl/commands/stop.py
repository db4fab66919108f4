"""`exctl stop`."""

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
def command(site: Site, chosen: Sequence[Instance], how: RunOptions) -> None:
    """Take containers away; `start` brings them back.

    Written down under `stopped` in the stack file, so that no later run starts them by accident.

    The last of a pair that serves is stopped only if the outage is agreed to: at the question, or
    without one by --allow-outage.

    Example: exctl stop excp --pair 1 --host 2
    """
    from exctl.runs import changes

    changes.stop(site, chosen, how)
