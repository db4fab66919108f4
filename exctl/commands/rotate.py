"""`exctl rotate`."""

from __future__ import annotations

from dataclasses import replace

import click

from exctl.how import How
from exctl.options import changing, on_stack
from exctl.site import Site


@click.command()
@click.argument("secret")
@on_stack
@changing
def command(secret: str, site: Site, how: How) -> None:
    """Give a secret a new value, and the instances that use it new containers.

    Asks for the value without echo, or takes the whole of stdin; it is never an argument.

    Example: exctl rotate redisPassword --yes < new-password
    """
    from exctl import operations, secrets

    text = secrets.rotated(site, secret, secrets.read_new(secret))
    operations.apply(site, text, replace(how, message=how.message or f"rotate {secret}"))
