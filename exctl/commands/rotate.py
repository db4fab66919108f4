"""`exctl rotate`."""

from __future__ import annotations

from dataclasses import replace

import click

from exctl.cli import completion
from exctl.cli.options import going_back, on_place
from exctl.runs.options import RunOptions
from exctl.site import StackPlace


@click.command()
@click.argument("secret", shell_complete=completion.secrets)
@on_place
@going_back
def command(secret: str, place: StackPlace, how: RunOptions) -> None:
    """Give a secret a new value, and new containers to the instances that use it.

    Also sets a secret that isn't set yet. Asks for the value without echo, or reads all of stdin;
    it is never an argument. Replaces the instances that use it, one of a pair after the other, each
    gated; if a gate fails, goes back to the last release, and so to the previous value.

    No pair is interrupted if both values are valid meanwhile. In Redis 6 or later: add the new one
    (ACL SETUSER default >NEW, in redis-cli), run this, then remove the old one (ACL SETUSER default
    <OLD), and write the new one into redis.conf. Where the old value ends with the change (a Config
    DB user, an OAuth client): change it there and run this at once; services keep their connections
    until they are replaced.

    To change several secrets in one run: exctl secret set for each, then exctl up.

    Example: exctl rotate redisPassword --yes < new-password
    """
    from exctl.runs import approval, changes
    from exctl.site import site_of
    from exctl.stackfile import secrets

    text = secrets.with_secret(place, secret, secrets.read_new(secret))
    site = site_of(place, place.file.name, text)
    approval.refuse_without_plan(site, f"rotate {secret}")
    changes.apply(site, text, replace(how, message=how.message or f"rotate {secret}"))
