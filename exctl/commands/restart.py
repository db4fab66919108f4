"""`exctl restart`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from exctl.cli.options import changing, selecting
from exctl.errors import NothingTouched
from exctl.runs.options import How
from exctl.site import Site

if TYPE_CHECKING:
    from stack.layout import Instance


@click.command()
@selecting
@changing
def command(site: Site, chosen: Sequence[Instance], how: How) -> None:
    """Replace containers by new ones of the same release, one instance of a pair after the other.

    Example: exctl restart excp --pair 1
    """
    from exctl.runs import changes

    keys = tuple(i.key for i in chosen if not i.is_stopped)
    if not keys:
        raise NothingTouched("all of that is stopped; use: exctl start.")
    changes.deploy(site, replace(how, restart=keys))
