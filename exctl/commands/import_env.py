"""`exctl import-env`."""

from __future__ import annotations

from pathlib import Path

import click

from exctl.errors import NothingTouched
from exctl.options import stack_option


@click.command()
@click.argument("env", type=click.Path(exists=True, dir_okay=True, path_type=Path))
@stack_option
def command(env: Path, stack: str | None) -> None:
    """Write a new stack file from the vendor's `.env` (or the directory it is in).

    Secrets are encrypted with the passphrase of PULUMI_CONFIG_PASSPHRASE. What couldn't be taken
    over is listed.

    Example: exctl import-env /opt/exec/.env --stack prod
    """
    from exctl import migration

    if stack is None:
        raise NothingTouched("name the new stack: --stack NAME. Nothing was touched.")
    for line in migration.import_env(env, stack):
        click.echo(line)
