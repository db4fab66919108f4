"""Commands that change what runs. Each shows its plan first, and asks."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from exctl.errors import ExctlError, NothingTouched
from exctl.options import (
    ALLOW_OUTAGE,
    MESSAGE,
    NO_ROLLBACK,
    STACK,
    YES,
    selecting,
    site_of,
)

if TYPE_CHECKING:
    from exctl.runs import How


def _how(yes: bool, allow_outage: bool, message: str, no_rollback: bool) -> How:
    from exctl.runs import How

    return How(yes, allow_outage, message, no_rollback)


@click.command()
@STACK
@YES
@ALLOW_OUTAGE
@MESSAGE
@NO_ROLLBACK
def up(stack: str | None, yes: bool, allow_outage: bool, message: str, no_rollback: bool) -> None:
    """Bring the stack to what its file says.

    Looks at the hosts first, shows what will be touched, and asks. Then pulls every image, and goes
    EXCS, its sync, EXAS and the pairs, an instance at a time within a pair, each of them gated on
    its health. If a step fails, goes back to the last release and ends with exit code 3.
    Example: exctl up --stack dev -m "new pair"
    """
    from exctl import operations

    operations.deploy(site_of(stack), _how(yes, allow_outage, message, no_rollback))


@click.command()
@selecting
@STACK
@YES
@ALLOW_OUTAGE
@MESSAGE
def stop(
    service: str | None,
    pair: str | None,
    host: str | None,
    stack: str | None,
    yes: bool,
    allow_outage: bool,
    message: str,
) -> None:
    """Take containers away; `start` brings them back.

    Written down under `stopped` in the stack file, so that no later run starts them by accident.
    Example: exctl stop excp --pair 1 --host 2
    """
    from exctl import operations
    from exctl.selection import select

    site = site_of(stack)
    chosen = select(site.layout, service, pair, host)
    operations.stop(site, chosen, _how(yes, allow_outage, message, True))


@click.command()
@selecting
@STACK
@YES
@ALLOW_OUTAGE
@MESSAGE
def start(
    service: str | None,
    pair: str | None,
    host: str | None,
    stack: str | None,
    yes: bool,
    allow_outage: bool,
    message: str,
) -> None:
    """Start what was stopped, each instance gated on its health.

    Example: exctl start excp --pair 1 --host 2
    """
    from exctl import operations
    from exctl.selection import select

    site = site_of(stack)
    chosen = select(site.layout, service, pair, host)
    operations.start(site, chosen, _how(yes, allow_outage, message, True))


@click.command()
@selecting
@STACK
@YES
@ALLOW_OUTAGE
@MESSAGE
def restart(
    service: str | None,
    pair: str | None,
    host: str | None,
    stack: str | None,
    yes: bool,
    allow_outage: bool,
    message: str,
) -> None:
    """Replace containers by new ones of the same release, one instance of a pair after the other.

    Example: exctl restart excp --pair 1
    """
    from dataclasses import replace

    from exctl import operations
    from exctl.selection import select

    site = site_of(stack)
    chosen = [i.key for i in select(site.layout, service, pair, host) if not i.is_stopped]
    if not chosen:
        raise NothingTouched("all of that is stopped; use: exctl start. Nothing was touched.")
    how = _how(yes, allow_outage, message, True)
    operations.deploy(site, replace(how, restart=tuple(chosen)))


@click.command()
@click.argument("service", type=click.Choice(["excs", "exas", "excp"]))
@click.option("--pair", metavar="N", help="only this pair of excp")
@click.option("--tag", required=True, metavar="VERSION", help="the image's version")
@STACK
@YES
@ALLOW_OUTAGE
@MESSAGE
@NO_ROLLBACK
def update(
    service: str,
    pair: str | None,
    tag: str,
    stack: str | None,
    yes: bool,
    allow_outage: bool,
    message: str,
    no_rollback: bool,
) -> None:
    """Deploy another version of a service, one instance of a pair after the other.

    Writes the version into the stack file. If a gate fails, goes back to the last release.
    Example: exctl update excp --pair 1 --tag 100.0.100.12
    """
    from exctl import operations
    from exctl.selection import select

    site = site_of(stack)
    chosen = select(site.layout, service, pair, None)
    how = _how(yes, allow_outage, message or f"update {service} to {tag}", no_rollback)
    operations.update(site, chosen, tag, how)


@click.command()
@click.argument("release", required=False)
@STACK
@YES
@ALLOW_OUTAGE
@MESSAGE
def rollback(
    release: str | None, stack: str | None, yes: bool, allow_outage: bool, message: str
) -> None:
    """Bring a release back: settings, secrets and images as they were.

    Without a number, the last one that differs from the stack file. The images are still on the
    hosts, so the registry isn't needed. Example: exctl rollback 3
    """
    from exctl import operations

    why = message or f"rollback to {release or 'the release before'}"
    operations.rollback(site_of(stack), release, _how(yes, allow_outage, why, True))


@click.command()
@STACK
@YES
def destroy(stack: str | None, yes: bool) -> None:
    """Remove every container of the stack: pairs, EXAS, then EXCS.

    Log files on the hosts, Redis, the Config DB and the EX organization stay as they are.
    Example: exctl destroy --stack dev
    """
    from exctl import runs

    runs.destroy(site_of(stack), yes)


@click.command()
@click.argument("secret")
@STACK
@YES
@ALLOW_OUTAGE
@MESSAGE
def rotate(secret: str, stack: str | None, yes: bool, allow_outage: bool, message: str) -> None:
    """Give a secret a new value, and the instances that use it new containers.

    Asks for the value without echo, or takes the whole of stdin; it is never an argument.
    Example: exctl rotate redisPassword --yes < new-password
    """
    from exctl import operations, secrets

    site = site_of(stack)
    value = secrets.read_new(secret)
    text = secrets.rotated(site, secret, value)
    operations.apply(site, text, _how(yes, allow_outage, message or f"rotate {secret}", True))


@click.command()
@STACK
@YES
def unlock(stack: str | None, yes: bool) -> None:
    """Take the lock that a killed run left; says first whose it is.

    Refuses while that run's process still lives on this host. Example: exctl unlock --stack dev
    """
    from exctl import lock

    site = site_of(stack)
    locks = lock.held(site)
    if not locks:
        click.echo(f"nobody holds the lock of the stack {site.stack}")
        return
    for path in locks:
        click.echo(f"held by {lock.described(path)}", err=True)
    if any(lock.is_alive(path) for path in locks):
        raise ExctlError("that run still goes on; wait for it or end it. Nothing was touched.")
    if not yes:
        if not sys.stdin.isatty():
            raise ExctlError("there is no terminal to ask on; add --yes. Nothing was touched.")
        click.confirm("Take the lock?", abort=True, err=True)
    for path in locks:
        path.unlink(missing_ok=True)
    click.echo("the lock is free; the next `exctl up` goes on where that run stopped")


@click.command("import-env")
@click.argument("env", type=click.Path(exists=True, dir_okay=True, path_type=Path))
@STACK
def import_env(env: Path, stack: str | None) -> None:
    """Write a new stack file from the vendor's `.env` (or the directory it is in).

    Secrets are encrypted with the passphrase of PULUMI_CONFIG_PASSPHRASE. What couldn't be taken
    over is listed. Example: exctl import-env /opt/exec/.env --stack prod
    """
    from exctl import migration

    if stack is None:
        raise NothingTouched("name the new stack: --stack NAME. Nothing was touched.")
    for line in migration.import_env(env, stack):
        click.echo(line)


COMMANDS = (
    up, stop, start, restart, update, rollback, destroy, rotate, unlock, import_env,
)  # fmt: skip
