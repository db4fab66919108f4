"""`exctl init`."""

from __future__ import annotations

from pathlib import Path

import click

from exctl.cli.options import stack_option


@click.command()
@stack_option
@click.option(
    "--from",
    "source",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="take the settings from a YAML file, as `config` of a stack file has them; - is stdin",
)
@click.option(
    "--secrets-stdin", is_flag=True, help="with --from: read lines NAME=VALUE of secrets from stdin"
)
def command(stack: str | None, source: Path | None, secrets_stdin: bool) -> None:
    """Begin a new stack: ask for what it needs, check each answer, write its stack file.

    Each question is explained and offers its default. Passwords are asked for twice, without echo,
    and encrypted. An existing stack file is never overwritten; an interrupt leaves nothing behind.

    Without a person: --from FILE has the settings and never a secret. A secret comes from the
    variable EXCTL_REDIS_PASSWORD (EXCTL_CONFIG_DB_PASSWORD and so on), from the file that
    EXCTL_REDIS_PASSWORD_FILE names, or from --secrets-stdin. Every problem is said at once, with
    exit code 2, and nothing is written then.

    The vendor's `--action init` is this command: it asks for the passwords too. What the vendor's
    script then copies to each host, passwords in plaintext, isn't needed here.

    Example: exctl init --stack prod
    """
    from exctl.onboarding import init_stack

    for line in init_stack.begin(stack, source, secrets_stdin):
        click.echo(line)
