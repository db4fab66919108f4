"""`exctl plan`."""

from __future__ import annotations

from pathlib import Path

import click

from exctl.cli import completion
from exctl.cli.options import on_stack, pair_option
from exctl.site import Site
from vendor_facts import SERVICES

KEY = "~/.ssh/id_ed25519"
key_option = click.option(
    "--key", default=KEY, show_default=True, metavar="FILE", help="SSH key that signs the plan"
)


@click.command()
@click.argument("service", required=False, type=click.Choice(SERVICES))
@pair_option
@click.option(
    "--tag", metavar="VERSION", shell_complete=completion.tags, help="the service's new version"
)
@on_stack
@click.option("--out", required=True, type=click.Path(path_type=Path), help="file for the plan")
@click.option(
    "--message", "-m", metavar="TEXT", default="", help="why; shown to whoever approves it"
)
@key_option
def command(
    service: str | None,
    pair: str | None,
    tag: str | None,
    site: Site,
    out: Path,
    message: str,
    key: str,
) -> None:
    """Save what `up` would do now, for others to approve; changes nothing on any host.

    With a service and a version it is a plan of `update`: the stack file stays as it is until the
    plan is carried out.

    If `protect.approvals` is set, the plan is signed with your SSH key, and needs that many
    signatures of other people. `up --plan FILE` (or `update … --plan FILE`) does exactly what the
    plan says, or nothing: it refuses if stack file, program, last release or hosts have changed so
    that the plan would be different.

    Example: exctl plan --out plan.json -m "ticket 7" --stack prod

    Example: exctl plan excp --tag 100.0.100.12 --out plan.json --stack prod
    """
    from exctl.runs import changes, proposal, saving

    words = saving.UP
    if service is not None or pair is not None or tag is not None:
        words = changes.update_words(service, pair, tag, "exctl plan excp --tag N --out FILE")
    saved = proposal.proposed(site, words, message)
    for line in saved.described():
        click.echo(line)
    saving.keep(site, saved, out, Path(key))
    if site.config.protect.approvals:
        click.echo(f"next, others: exctl approve {out}")
    else:
        click.echo(f"next: {saved.next_command} --plan {out}")
