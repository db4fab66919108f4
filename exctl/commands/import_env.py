"""`exctl import-env`."""

from __future__ import annotations

from pathlib import Path

import click

from exctl.cli.options import stack_option
from exctl.errors import NothingTouched


@click.command()
@click.argument("env", required=False, type=click.Path(path_type=Path))
@click.option("--from-host", "host", metavar="HOST", help="read ~/exec/.env of this host, over SSH")
@click.option(
    "--set",
    "given",
    multiple=True,
    metavar="PATH=VALUE",
    help="what a .env has no key for: ssh.key_path=~/.ssh/exec, registry.username=exec …",
)
@stack_option
def command(env: Path | None, host: str | None, given: tuple[str, ...], stack: str | None) -> None:
    """Write a new stack file from the vendor's `.env` (or the directory it is in).

    Says what was inferred and what wasn't taken over. Asks, without echo, for passwords that the
    `.env` doesn't contain; all are encrypted with the passphrase in PULUMI_CONFIG_PASSPHRASE. Never
    overwrites a stack file, and leaves nothing behind after a failure.

    Example: exctl import-env /usr/home/genesys/exec --stack prod
    """
    from exctl.onboarding import migration

    if stack is None:
        raise NothingTouched("name the new stack: --stack NAME.")
    if (env is None) == (host is None):
        raise NothingTouched(
            "name the .env (or its directory), or a host that has one: --from-host HOST, one of"
            " the two."
        )
    settings = migration.given_settings(given)
    if env is not None:
        source = migration.from_path(env)
    else:
        source = migration.from_host(str(host), settings)
    for line in migration.import_env(source, stack, settings):
        click.echo(line)
