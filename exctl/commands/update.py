"""`exctl update`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from exctl.cli.options import going_back, on_stack, pair_option, plan_option, tag_option
from exctl.errors import NothingTouched
from exctl.runs.options import RunOptions
from exctl.site import Site
from vendor_facts import SERVICES


@click.command()
@click.argument("service", type=click.Choice(SERVICES))
@pair_option
@tag_option
@click.option("--host", hidden=True)
@on_stack
@going_back
@plan_option
def command(
    service: str,
    pair: str | None,
    tag: str,
    host: str | None,
    site: Site,
    how: RunOptions,
    plan: Path | None,
) -> None:
    """Deploy another version of a service, one instance of a pair after the other.

    Writes the version into the stack file, and removes the digest that a rollback may have pinned.
    If a gate fails, goes back to the last release.

    Example: exctl update excp --pair 1 --tag 100.0.100.12
    """
    if host is not None:
        raise NothingTouched(
            "both instances of a pair always have the same version, and are updated one after the"
            " other; leave out --host."
        )
    from exctl.runs import approval, changes
    from exctl.runs.selection import select

    words = changes.update_words(service, pair, tag)
    if plan is None:
        approval.refuse_without_plan(site, " ".join(words))
    chosen = select(site.layout, service, pair, None)
    why = how.message or f"update {service} to {tag}"
    changes.update(site, chosen, tag, replace(how, message=why, saved_plan=plan))
