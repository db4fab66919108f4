"""`state`, `cancel`, `login`, `logout`, `whoami`, `version`."""

from __future__ import annotations

import getpass
from dataclasses import replace

import click

from engine import VERSION_LINE
from engine.backend import FileBackend, StackRef
from engine.cli import Commands
from engine.rows import Row, depends_on
from engine.session import CommandFailed, Loaded, Session
from engine.text import json_text

stack_option = click.option("-s", "--stack", "stack_name", metavar="NAME", help="The stack.")
yes_option = click.option("--yes", "-y", is_flag=True, help="Don't ask.")


class StateCommands(Commands):
    """The subcommands."""

    path = "pulumi state"
    refused = frozenset(
        {"edit", "move", "protect", "rename", "repair", "taint", "untaint", "upgrade"}
    )
    table = {  # noqa: RUF012 - as in Commands
        "unprotect": "commands_state:unprotect",
        "delete": "commands_state:delete",
    }


@click.group(cls=StateCommands)
def state() -> None:
    """Edit the state by hand."""


def _edit(session: Session, ref: StackRef, loaded: Loaded, rows: list[Row]) -> None:
    """Write changed rows, keeping a copy of the state before."""
    session.backend.backup(ref)
    loaded.snapshot.rows = rows
    session.save(ref, loaded.snapshot, loaded.codec)


def _needs_yes(session: Session, yes: bool, what: str) -> None:
    if yes:
        return
    if not session.interactive:
        raise CommandFailed(
            "--yes must be passed in to proceed when running in non-interactive mode", 2
        )
    if not click.confirm(f"This will edit your stack's state directly: {what}. Confirm?"):
        raise CommandFailed("confirmation declined")


def _one(rows: list[Row], urn: str) -> Row:
    found = [row for row in rows if row.urn == urn]
    if not found:
        raise CommandFailed(f"No such resource '{urn}' exists in the current state")
    return found[-1]


@click.command()
@click.argument("urn", required=False)
@stack_option
@yes_option
@click.option("--all", "all_", is_flag=True, help="All of them.")
@click.pass_obj
def unprotect(
    session: Session, urn: str | None, stack_name: str | None, yes: bool, all_: bool
) -> int:
    """Take the protection off a resource, or off all."""
    if not urn and not all_:
        raise CommandFailed("must provide a URN corresponding to a resource")
    ref = session.stack(stack_name)
    _needs_yes(session, yes, "unprotect")
    with session.backend.lock(ref):
        loaded = session.load(ref)
        rows = loaded.snapshot.rows
        chosen = {id(_one(rows, urn))} if urn else {id(row) for row in rows}
        changed = [replace(r, protect=False) if id(r) in chosen else r for r in rows]
        _edit(session, ref, loaded, changed)
    click.echo("Resource unprotected" if urn else "All resources unprotected")
    return 0


@click.command()
@click.argument("urn")
@stack_option
@yes_option
@click.option("--force", is_flag=True, help="Also if it is protected.")
@click.option("--target-dependents", is_flag=True, help="Also what depends on it.")
@click.pass_obj
def delete(
    session: Session,
    urn: str,
    stack_name: str | None,
    yes: bool,
    force: bool,
    target_dependents: bool,
) -> int:
    """Forget a resource without touching the real one."""
    ref = session.stack(stack_name)
    _needs_yes(session, yes, "delete")
    with session.backend.lock(ref):
        loaded = session.load(ref)
        rows = loaded.snapshot.rows
        target = _one(rows, urn)
        if target.protect and not force:
            raise CommandFailed(
                f"resource {urn} is protected and cannot be deleted; use --force, or "
                "`pulumi state unprotect` first"
            )
        gone = _with_dependents(rows, target)
        others = [row for row in gone if row is not target]
        if others and not target_dependents:
            names = "\n".join(f" * {row.urn}" for row in others)
            raise CommandFailed(
                f"This resource can't be safely deleted because the following resources depend on "
                f"it:\n{names}\nDelete those resources first, or pass --target-dependents"
            )
        _edit(session, ref, loaded, [row for row in rows if row not in gone])
    click.echo("Resource deleted")
    return 0


def _with_dependents(rows: list[Row], target: Row) -> list[Row]:
    gone, urns = [target], {target.urn}
    for row in rows:
        if row is not target and not row.delete and depends_on(row) & urns:
            gone.append(row)
            urns.add(row.urn)
    return gone


@click.command()
@click.argument("name", required=False)
@stack_option
@yes_option
@click.pass_obj
def cancel(session: Session, name: str | None, stack_name: str | None, yes: bool) -> int:
    """Delete the locks of a run that was killed."""
    ref = session.stack(name or stack_name)
    if not yes:
        if not session.interactive:
            raise CommandFailed(
                "--yes must be passed in to proceed when running in non-interactive mode", 2
            )
        click.echo(f"This will irreversibly cancel the currently running update for '{ref.name}'!")
        if not click.confirm("Is the other run really over?"):
            raise CommandFailed("confirmation declined")
    session.backend.cancel(ref)
    click.echo(f"The currently running update for '{ref.name}' has been canceled!")
    return 0


@click.command()
@click.argument("url", required=False)
@click.option("--local", "-l", is_flag=True, help="The file:// backend in the home directory.")
@click.option("--cloud-url", "-c", "cloud_url", help="The backend's URL.")
@click.pass_obj
def login(session: Session, url: str | None, local: bool, cloud_url: str | None) -> int:
    """Choose the file:// backend of later commands."""
    target = "file://~" if local else url or cloud_url or session.backend_url
    FileBackend(target)
    session.workspace.login(target)
    click.echo(f"Logged in to {_host()} as {getpass.getuser()} ({target})")
    return 0


def _host() -> str:
    import socket

    return socket.gethostname()


@click.command()
@click.argument("url", required=False)
@click.option("--local", "-l", is_flag=True, help="The file:// backend in the home directory.")
@click.option("--all", "all_", is_flag=True, help="All of them.")
@click.pass_obj
def logout(session: Session, url: str | None, local: bool, all_: bool) -> int:
    """Forget a backend."""
    target = "file://~" if local else url or session.backend_url
    session.workspace.logout(target)
    click.echo(f"Logged out of {'everything' if all_ else target}")
    return 0


@click.command()
@click.option("--json", "-j", "as_json", is_flag=True, help="Print JSON.")
@click.option("--verbose", "-v", is_flag=True, help="Say more.")
@click.pass_obj
def whoami(session: Session, as_json: bool, verbose: bool) -> int:
    """The user, and the backend in use."""
    user, url = getpass.getuser(), session.backend.url
    if as_json:
        click.echo(json_text({"user": user, "url": url}))
    elif verbose:
        click.echo(f"User: {user}\nOrganizations: \nBackend URL: {url}")
    else:
        click.echo(user)
    return 0


@click.command()
@click.option("--verbose", is_flag=True, help="Say which engine this is.")
def version(verbose: bool) -> None:
    """The version of the CLI that this engine stands in for."""
    click.echo(VERSION_LINE)
    if verbose:
        click.echo("embedded engine (pure Python; see engine/README.md), not the Pulumi CLI")
