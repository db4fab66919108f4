"""`exctl exec`."""

from __future__ import annotations

import click

from exctl.cli import completion
from exctl.cli.options import on_stack
from exctl.site import Site


@click.command()
@on_stack
@click.argument("instance", shell_complete=completion.instances)
@click.argument("words", nargs=-1, required=True, metavar="-- COMMAND...", type=click.UNPROCESSED)
def command(site: Site, instance: str, words: tuple[str, ...]) -> None:
    """Run a command in an instance's container, on whichever host it is.

    stdin, stdout and the exit code are the command's own. It runs as given, without a shell. Its
    output isn't redacted: `env` shows the container's passwords.

    Example: exctl exec excp-1-1 -- ls -l /var/log
    """
    from exctl.observe import inside

    raise SystemExit(inside.run(site, inside.instance_of(site, instance), words))
