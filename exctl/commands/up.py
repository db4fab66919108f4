"""`exctl up`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from exctl.cli.options import going_back, on_stack, plan_option
from exctl.runs.options import RunOptions
from exctl.site import Site


@click.command()
@on_stack
@going_back
@plan_option
def command(site: Site, how: RunOptions, plan: Path | None) -> None:
    """Bring the stack to what its file says.

    Looks at the hosts first, shows what will be touched, and asks. Then pulls every image and
    deploys EXCS, waits for its sync, and deploys EXAS and the pairs, one instance of a pair after
    the other, each gated on its health. If a step fails, goes back to the last release and ends
    with exit code 3.

    Example: exctl up --stack dev -m "new pair"
    """
    from exctl.runs import approval, changes

    if plan is None:
        approval.refuse_without_plan(site, "up")
    changes.deploy(site, replace(how, saved_plan=plan))
