"""`exctl completion`."""

from __future__ import annotations

import click

from exctl.cli.completion import SHELLS


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    """Print the script that makes TAB complete exctl's commands in your shell.

    Commands, options, stacks, services, pairs, hosts, tags, releases and secrets' names. For bash,
    put `eval "$(exctl completion bash)"` into ~/.bashrc; zsh likewise, into ~/.zshrc; for fish,
    write it to ~/.config/fish/completions/exctl.fish.

    Example: eval "$(exctl completion bash)"
    """
    from exctl.cli.completion import script

    click.echo(script(shell, ctx.find_root().command))
