"""`exctl plan`."""

from __future__ import annotations

from pathlib import Path

import click

from exctl.cli.options import on_stack
from exctl.site import Site

KEY = "~/.ssh/id_ed25519"


@click.command()
@on_stack
@click.option("--out", required=True, type=click.Path(path_type=Path), help="file for the plan")
@click.option("--message", "-m", metavar="TEXT", default="", help="why; shown to who approves it")
@click.option(
    "--key", default=KEY, show_default=True, metavar="FILE", help="SSH key that signs the plan"
)
def command(site: Site, out: Path, message: str, key: str) -> None:
    """Save what `up` would do now, for others to approve; changes nothing on any host.

    Where `protect.approvals` is set, the plan is signed with your SSH key, and `up` wants as many
    signatures of others beside it. `exctl up --plan FILE` does what stands in the plan, or nothing:
    it refuses if stack file, program, last release or hosts lead to another plan by then.

    Example: exctl plan --out plan.json -m "ticket 7" --stack prod
    """
    from exctl.runs import deployment, saving

    planned = deployment.preview(site)
    saved = saving.saved_now(site, planned, message)
    for line in saved.described():
        click.echo(line)
    saving.keep(site, saved, out, Path(key))
    if site.config.protect.approvals:
        click.echo(f"next, others: exctl approve {out} --stack {site.stack}")
    else:
        click.echo(f"next: exctl up --plan {out} --stack {site.stack}")
