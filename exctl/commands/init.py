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
    help="take the settings from a YAML file, in the form of a stack file's `config`; - is stdin",
)
@click.option(
    "--secrets-stdin", is_flag=True, help="with --from: read lines NAME=VALUE of secrets from stdin"
)
def command(stack: str | None, source: Path | None, secrets_stdin: bool) -> None:
    """Begin a new stack: ask for what it needs, check each answer, write its stack file.

    Explains each question and offers a default. Asks for passwords twice, without echo, and
    encrypts them. Never overwrites an existing stack file; if you interrupt it, nothing is left
    behind.

    Without questions: --from FILE has the settings, but no secrets. Secrets come from the variables
    EXCTL_REDIS_PASSWORD, EXCTL_CONFIG_DB_PASSWORD and so on, from the file that
    EXCTL_REDIS_PASSWORD_FILE names, or from --secrets-stdin. If anything is wrong, all problems are
    reported at once, with exit code 2, and nothing is written.

    The vendor's `--action init` is this command: it asks for the passwords too. What the vendor's
    script then copies to each host, passwords in plaintext, isn't needed here.

    Example: exctl init --stack prod
    """
    from exctl.onboarding import init_stack

    for line in init_stack.begin(stack, source, secrets_stdin):
        click.echo(line)
