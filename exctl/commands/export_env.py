"""`exctl export-env`."""

from __future__ import annotations

import click

from exctl.cli.options import on_stack
from exctl.site import Site


@click.command()
@on_stack
@click.option(
    "--with-secrets", is_flag=True, help="passwords in plaintext, for the vendor's script"
)
def command(site: Site, with_secrets: bool) -> None:
    """Print the stack as the vendor's `.env`: the way back to the bootstrap script.

    What a `.env` has no key for is listed on stderr.

    Example: exctl export-env --stack prod > .env
    """
    from exctl.onboarding import env_export
    from exctl.site import read_stack_file
    from exctl.stackfile import secrets

    _, names = read_stack_file(site.file)
    known = secrets.all_of(site) if with_secrets else {}
    click.echo(env_export.exported(site.config, known), nl=False)
    for line in env_export.remarks(site.config, names, known):
        click.echo(line, err=True)
