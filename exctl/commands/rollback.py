"""`exctl rollback`."""

from __future__ import annotations

from dataclasses import replace

import click

from exctl import completion
from exctl.how import How
from exctl.options import changing, on_stack
from exctl.site import Site


@click.command()
@click.argument("release", required=False, shell_complete=completion.releases)
@on_stack
@changing
def command(release: str | None, site: Site, how: How) -> None:
    """Bring a release back: settings, secrets and images as they were.

    Without a number, the last one that differs from the stack file. The images are still on the
    hosts, so the registry isn't needed.

    Example: exctl rollback 3
    """
    from exctl import operations

    why = how.message or f"rollback to {release or 'the release before'}"
    operations.rollback(site, release, replace(how, message=why))
