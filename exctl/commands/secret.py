"""`exctl secret`."""

from __future__ import annotations

import json

import click

from exctl.cli import completion
from exctl.cli.options import json_option, locking, on_place
from exctl.site import StackPlace


@click.group()
def command() -> None:
    """Set secrets in the stack file, encrypted, and list them.

    Nothing is deployed: exctl up does that, and exctl rotate does both at once.

    Example: exctl secret set redisPassword
    """


@command.command("set")
@click.argument("secret", shell_complete=completion.secrets)
@on_place
@locking
def put(secret: str, place: StackPlace) -> None:
    """Encrypt a secret into the stack file.

    Asks for the value without echo, or reads all of stdin; it is never an argument. Containers keep
    the old value until the next exctl up. Works even if the file has other problems, so two wrong
    passwords can be fixed one after the other.

    Example: exctl secret set configDbPassword < new-password
    """
    from exctl import files
    from exctl.stackfile import secrets
    from exctl.terminal.messages import show

    was_set = secret in secrets.secret_keys_of(place)
    text = secrets.with_secret(place, secret, secrets.read_new(secret))
    files.write(place.file, text)
    word = "has a new value" if was_set else "is set"
    show(f"{secret} {word} in {place.file.name}; containers get it with:")
    show(f"  exctl up --stack {place.stack}")


@command.command("list")
@on_place
@json_option
def listed(place: StackPlace, as_json: bool) -> None:
    """List the secrets, which are set, and which the stack needs. No value is shown.

    Example: exctl secret list
    """
    from exctl.stackfile import secrets

    rows = secrets.listed(place)
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    wide = max(len(str(row["name"])) for row in rows)
    for row in rows:
        state = "set" if row["is_set"] else "not set"
        state = "MISSING" if row["is_needed"] and not row["is_set"] else state
        click.echo(f"{str(row['name']).ljust(wide)}  {state.ljust(7)}  {row['purpose']}")
