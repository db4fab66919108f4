"""`exctl approve`."""

from __future__ import annotations

from pathlib import Path

import click

from exctl.cli.options import on_stack, yes_option
from exctl.commands.plan import KEY
from exctl.site import Site


@click.command()
@click.argument("plan", type=click.Path(path_type=Path))
@on_stack
@yes_option
@click.option(
    "--key", default=KEY, show_default=True, metavar="FILE", help="SSH key that signs the plan"
)
def command(plan: Path, site: Site, yes: bool, key: str) -> None:
    """Sign a plan that somebody else has made, once you have read it.

    Shows the plan and asks. The signature is added to a file beside it. Your key has to be in the
    stack's allowed-signers file. Nothing is asked of the hosts.

    Example: exctl approve plan.json --stack prod
    """
    from exctl.runs import approval, saved_plan, saving
    from exctl.terminal.questions import confirm

    saved = saved_plan.read(plan)
    saving.refuse_another(site, saved, plan)
    for line in saved.described():
        click.echo(line)
    if not yes:
        confirm(f"Approve this plan of the stack {site.stack}?")
    who = approval.sign(site, plan, Path(key))
    signed = approval.signed_by(site, plan)
    missing = max(0, site.config.protect.approvals + 1 - len(signed))
    click.echo(f"approved by {who}; signed by {', '.join(signed)}")
    if missing:
        click.echo(f"{missing} more wanted: exctl approve {plan} --stack {site.stack}")
    else:
        click.echo(f"next: exctl up --plan {plan} --stack {site.stack}")
