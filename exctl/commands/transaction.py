"""`exctl transaction`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from exctl.cli.options import json_option, on_stack, via_option
from exctl.errors import UNHEALTHY
from exctl.site import Site

if TYPE_CHECKING:
    from exctl.onboarding.transaction import Given


if TYPE_CHECKING:
    from exctl.hosts import Via


@click.command()
@on_stack
@json_option
@click.option(
    "--cfg", "as_cfg", is_flag=True, help="the form that GAX imports on the object's Options tab"
)
@click.option("--with-secrets", is_flag=True, help="the OAuth client's secret in plaintext")
@click.option("--short-name", metavar="NAME", help="the EX organization's short name")
@click.option("--skill-level-min", type=int, metavar="N", help="least skill level in Engage")
@click.option("--skill-level-max", type=int, metavar="N", help="greatest skill level in Engage")
@click.option("--sta-program-id", metavar="UUID", help="program for topic detection")
@click.option(
    "--sta-language", metavar="xx-YY", help="language of transcription, for instance en-US"
)
@click.option("--compare", is_flag=True, help="compare with the Config DB, read only")
@via_option("with --compare: reach the database through EXCS's host, or from this one")
@click.option("--tenant", metavar="DBID", help="with --compare: this tenant, not tenant.id")
def command(
    site: Site,
    compare: bool,
    tenant: str | None,
    via: Via,
    as_json: bool,
    as_cfg: bool,
    with_secrets: bool,
    short_name: str | None,
    skill_level_min: int | None,
    skill_level_max: int | None,
    sta_program_id: str | None,
    sta_language: str | None,
) -> None:
    """Print the annex of the transaction `hybrid_integration`, to create in Engage.

    Folders and keys are the vendor's, values the stack file's; where it has none, the vendor's
    placeholder stays. Then lists what else the vendor requires.

    With --compare: each key as it is in the database, what to enter, and whether another tenant's
    transaction names the organization too; exit code 4 if something is wrong. Of secrets it says
    only whether they are the stack's.

    Example: exctl transaction --short-name acme --skill-level-min 0 --skill-level-max 10
    """
    from exctl.onboarding import transaction
    from exctl.stackfile import secrets

    if as_json and as_cfg:
        raise click.UsageError("--json and --cfg are two forms; take one of them")
    if compare and (as_cfg or with_secrets):
        raise click.UsageError(
            "--compare shows what differs; --cfg and --with-secrets don't fit it"
        )
    given = transaction.Given(
        short_name, skill_level_min, skill_level_max, sta_program_id, sta_language
    )
    transaction.refuse_wrong(given)
    if compare:
        _compare(site, via, tenant, given, as_json)
        return
    secret = secrets.all_of(site).get(transaction.SECRET) if with_secrets else None
    if with_secrets and secret is None:
        click.echo(
            f"the stack file has no {transaction.SECRET}: a placeholder stands for it", err=True
        )
    entries = transaction.entries(site.config, given, secret)
    if as_json:
        click.echo(json.dumps(transaction.as_json(entries), indent=2))
    elif as_cfg:
        click.echo(transaction.as_cfg(entries), nl=False)
    else:
        for line in transaction.table(entries):
            click.echo(line)
    for note in transaction.notes(site.config, entries):
        click.echo(note, err=True)


def _compare(site: Site, via: Via, tenant: str | None, given: Given, as_json: bool) -> None:
    from dataclasses import asdict

    from exctl.engage import look
    from exctl.onboarding import transaction

    found = look.transaction_of(site, via, tenant, given)
    if as_json:
        points = [asdict(point) for point in found.points]
        click.echo(json.dumps({"points": points, "transaction": asdict(found.facts)}, indent=2))
    else:
        click.echo(f"hybrid_integration of the tenant {found.tenant} in {found.database}:")
        for line in transaction.compared_table(found.facts):
            click.echo(line)
        for point in found.points:
            click.echo(f"{point.level}: {point.text}{f'; {point.to_do}' if point.to_do else ''}")
    if any(point.level == "problem" for point in found.points):
        raise SystemExit(UNHEALTHY)
