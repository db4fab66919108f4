"""`exctl approve`."""

from __future__ import annotations

from pathlib import Path

import click

from exctl.cli.options import stack_option, yes_option
from exctl.commands.plan import key_option


@click.command()
@click.argument(
    "plans", metavar="PLAN...", nargs=-1, required=True, type=click.Path(path_type=Path)
)
@stack_option
@yes_option
@key_option
def command(plans: tuple[Path, ...], stack: str | None, yes: bool, key: str) -> None:
    """Sign plans that somebody else has made, once you have read them.

    Shows each plan and asks once. The signature is added to a file next to the plan. Your key has
    to be in the allowed-signers file of the plan's stack. No host is contacted.

    Example: exctl approve plan.json --stack prod

    Example: exctl approve plans/*.json
    """
    from exctl.runs import approval, saved_plan, saving
    from exctl.site import open_site
    from exctl.terminal.questions import confirm
    from stack.text import counted

    read = [(path, saved_plan.read(path)) for path in plans]
    found = [(open_site(stack or saved.stack), path, saved) for path, saved in read]
    for site, path, saved in found:
        saving.refuse_another(site, saved, path)
        for line in saved.described():
            click.echo(line)
    if not yes:
        stacks = ", ".join(saved.stack for _, _, saved in found)
        confirm(f"Approve {counted(len(found), 'plan')} ({stacks})?")
    for site, path, saved in found:
        who = approval.sign(site, path, Path(key))
        signed = approval.signed_by(site, path)
        missing = max(0, site.config.protect.approvals + 1 - len(signed))
        click.echo(f"{saved.stack}: approved by {who}; signed by {', '.join(signed)}")
        if missing:
            click.echo(f"{missing} more wanted: exctl approve {path}")
        else:
            click.echo(f"next: {saved.next_command} --plan {path}")
