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
    """Remove containers; `start` brings them back.

    Lists them under `stopped` in the stack file, so that no later run starts them by accident.

    Stops the last serving instance of a pair only if you confirm the outage: by answering the
    question, or with --allow-outage.

    Example: exctl stop excp --pair 1 --host 2
    """
    from exctl.runs import changes

    changes.stop(site, chosen, how)
