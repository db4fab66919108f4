"""`pulumi stack …`."""

from __future__ import annotations

import socket
import sys
import time
from pathlib import Path
from typing import Any

import click

from engine.backend import StackNotFound, StackRef, parse_stack
from engine.cli import Commands
from engine.crypto import new_salt
from engine.rows import STACK_TYPE, Row, Snapshot, StateError, integrity_problems
from engine.session import CommandFailed, Session
from engine.state import (
    Deployment,
    checkpoint_text,
    decode_deployment,
    deployment_json,
    parse_deployment,
    timestamp,
)
from engine.text import iso_milliseconds, json_text, one_line, outputs_table, shell_word, shown

stack_option = click.option("-s", "--stack", "stack_name", metavar="NAME", help="The stack.")


class StackCommands(Commands):
    """The subcommands, under their old and new names."""

    path = "pulumi stack"
    refused = frozenset(
        {"change-secrets-provider", "graph", "rename", "schedule", "tag", "webhook"}
    )
    table = {  # noqa: RUF012 - as in Commands
        name: f"commands_stack:{function}"
        for name, function in {
            "init": "init",
            "new": "init",
            "ls": "ls",
            "list": "ls",
            "select": "select",
            "rm": "rm",
            "remove": "rm",
            "output": "output",
            "export": "export",
            "import": "import_",
            "history": "history",
            "unselect": "unselect",
        }.items()
    }


@click.group(cls=StackCommands, invoke_without_command=True)
@stack_option
@click.option("--show-urns", "-u", is_flag=True, help="Show URNs.")
@click.option("--show-ids", "-i", is_flag=True, help="Show ids.")
@click.option("--show-name", is_flag=True, help="Print the stack's name, nothing else.")
@click.option("--show-secrets", is_flag=True, help="Show secrets in clear.")
@click.pass_context
def stack(
    ctx: click.Context,
    stack_name: str | None,
    show_urns: bool,
    show_ids: bool,
    show_name: bool,
    show_secrets: bool,
) -> None:
    """Show the stack, or work with stacks."""
    if ctx.invoked_subcommand is not None:
        return
    session: Session = ctx.obj
    ref = session.stack(stack_name)
    if show_name:
        click.echo(ref.name)
        return
    snapshot = session.load(ref).snapshot
    click.echo(f"Current stack is {ref.name}:\n    Managed by {socket.gethostname()}")
    if snapshot.rows:
        updated = session.backend.updated_at(ref)
        ago = max(0, int(time.time() - updated))
        when = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(updated))
        click.echo(f"    Last updated: {ago} seconds ago ({when} +0000 UTC)")
    live = [row for row in snapshot.rows if not row.delete]
    click.echo(f"Current stack resources ({len(live)}):")
    if not live:
        click.echo("    No resources currently in this stack")
    else:
        _print_tree(live, show_urns, show_ids)
    root = snapshot.root
    click.echo()
    if root is not None:
        click.echo(outputs_table(root.outputs, show_secrets) + "\n")
    click.echo("Use `pulumi stack select` to change stack; `pulumi stack ls` lists known ones")


def _print_tree(rows: list[Row], show_urns: bool, show_ids: bool) -> None:
    """The resources as a tree, types and names in columns."""
    urns = {row.urn for row in rows}
    children: dict[str, list[Row]] = {}
    for row in rows:
        children.setdefault(row.parent if row.parent in urns else "", []).append(row)
    roots = children.get("", [])
    main = next((r for r in roots if r.type == STACK_TYPE), None)
    lines: list[tuple[str, str, Row, str]] = []

    def visit(row: Row, lead: str, below: str) -> None:
        found = sorted(children.get(row.urn, []), key=lambda r: r.urn)
        if row is main:
            found += [r for r in roots if r is not main]
        info = below + ("│  " if found else "   ")
        lines.append((lead + row.type, row.name, row, info))
        for i, child in enumerate(found):
            last = i == len(found) - 1
            visit(child, below + ("└─ " if last else "├─ "), below + ("   " if last else "│  "))

    for row in [main] if main is not None else roots:
        visit(row, "", "")
    width = max(len("TYPE"), *(len(line[0]) for line in lines))
    click.echo(f"    {'TYPE'.ljust(width)}  NAME")
    for kind, name, row, info in lines:
        click.echo(f"    {kind.ljust(width)}  {name}")
        if show_urns:
            click.echo(f"    {info}URN: {row.urn}")
        if show_ids and row.id:
            click.echo(f"    {info}ID: {row.id}")


@click.command()
@click.argument("name", required=False)
@stack_option
@click.option("--secrets-provider", default="passphrase", help="Only `passphrase`.")
@click.option("--no-select", is_flag=True, help="Leave the selected stack as it is.")
@click.option("--copy-config-from", help="A stack whose configuration to copy.")
@click.pass_obj
def init(
    session: Session,
    name: str | None,
    stack_name: str | None,
    secrets_provider: str,
    no_select: bool,
    copy_config_from: str | None,
) -> int:
    """Make a stack."""
    wanted = name or stack_name
    if not wanted:
        raise CommandFailed("missing stack name")
    if secrets_provider not in ("passphrase", "default"):
        raise CommandFailed(
            f"secrets provider {secrets_provider!r}: this engine has 'passphrase' only"
        )
    project = session.project
    ref = parse_stack(wanted, project.name)
    if ref.project != project.name:
        raise CommandFailed(f"the project here is '{project.name}', not '{ref.project}'")
    if session.backend.exists(ref):
        raise CommandFailed(f"stack '{ref.full_name}' already exists")
    stack_file = session.stack_file(ref)
    if not stack_file.salt:
        stack_file.set_salt(new_salt(session.passphrase()))
    sealer = session.sealer(stack_file.salt)
    sealer.verify()
    if copy_config_from:
        source = session.stack_file(session.stack(copy_config_from))
        for key, value in session.config(source).items():
            stored = {"secure": sealer.encrypt(value.text)} if value.secret else value.stored
            stack_file.set(key, (), stored)
    deployment = Deployment(3, {"secrets_providers": dict(sealer.secrets().provider)})
    snapshot, codec = decode_deployment(deployment, sealer.secrets())
    session.backend.save(ref, checkpoint_text(ref.full_name, snapshot, codec))
    if not no_select:
        session.select(ref)
    click.echo(f"Created stack '{ref.name}'", err=True)
    return 0


@click.command()
@click.option("--json", "-j", "as_json", is_flag=True, help="Print JSON.")
@click.option("--all", "-a", "all_", is_flag=True, help="The stacks of all projects.")
@click.option("--project", "-p", help="The stacks of this project.")
@click.pass_obj
def ls(session: Session, as_json: bool, all_: bool, project: str | None) -> None:
    """List stacks."""
    own = session.project.name if session.has_project else ""
    everything = all_ or not (own or project)
    current = session.selected_name()
    found = []
    for ref in session.backend.stacks(None if everything else project or own):
        updated = session.backend.updated_at(ref)
        found.append(
            {
                "name": ref.full_name if everything else ref.name,
                "current": current in (ref.full_name, ref.name) and ref.project == own,
                "lastUpdate": iso_milliseconds(updated),
                "resourceCount": session.backend.load(ref).resource_count,
            }
        )
    if as_json:
        click.echo(json_text(found))
        return
    rows = [("NAME", "LAST UPDATE", "RESOURCE COUNT")]
    for item in found:
        mark = "*" if item["current"] else ""
        rows.append((f"{item['name']}{mark}", str(item["lastUpdate"]), str(item["resourceCount"])))
    from engine.text import table

    click.echo(table(rows))


@click.command()
@click.argument("name", required=False)
@stack_option
@click.option("--create", "-c", is_flag=True, help="Make the stack if it doesn't exist.")
@click.option("--secrets-provider", default="passphrase", help="Only `passphrase`.")
@click.pass_context
def select(
    ctx: click.Context,
    name: str | None,
    stack_name: str | None,
    create: bool,
    secrets_provider: str,
) -> int:
    """Select a stack for this project."""
    session: Session = ctx.obj
    wanted = name or stack_name
    if not wanted:
        raise CommandFailed("stack name required in non-interactive mode: pulumi stack select NAME")
    ref = parse_stack(wanted, session.project.name)
    if session.backend.exists(ref):
        session.select(ref)
        return 0
    if create:
        ctx.invoke(init, name=wanted, secrets_provider=secrets_provider)
        return 0
    raise StackNotFound(f"no stack named '{wanted}' found")


@click.command()
@click.pass_obj
def unselect(session: Session) -> None:
    """Forget which stack is selected."""
    if not session.selected_name():
        raise CommandFailed("no stack currently selected")
    session.select(None)
    click.echo("Stack was unselected", err=True)


@click.command()
@click.argument("name", required=False)
@stack_option
@click.option("--yes", "-y", is_flag=True, help="Don't ask.")
@click.option("--force", "-f", is_flag=True, help="Though it still has resources.")
@click.option("--preserve-config", is_flag=True, help="Keep the stack file.")
@click.option("--remove-backups", is_flag=True, help="Remove the backups of its state too.")
@click.pass_obj
def rm(
    session: Session,
    name: str | None,
    stack_name: str | None,
    yes: bool,
    force: bool,
    preserve_config: bool,
    remove_backups: bool,
) -> int:
    """Remove a stack whose resources are gone."""
    ref = session.stack(name or stack_name)
    confirm_removal(session, ref, yes)
    with session.backend.lock(ref):
        remove_stack(session, ref, force, preserve_config)
    if remove_backups:
        import shutil

        shutil.rmtree(session.backend.book / "backups" / ref.project / ref.name, True)
    click.echo(f"Stack '{ref.name}' has been removed!")
    return 0


def confirm_removal(session: Session, ref: StackRef, yes: bool) -> None:
    """Ask for the stack's name unless `--yes`. CommandFailed without a terminal."""
    if yes:
        return
    if not session.interactive:
        raise CommandFailed(
            "--yes must be passed in to proceed when running in non-interactive mode", 2
        )
    click.echo(f"This will permanently remove the '{ref.name}' stack!")
    if click.prompt(
        f'Please confirm that this is what you\'d like to do by typing "{ref.name}"'
    ) != (ref.name):
        raise CommandFailed("confirmation declined")


def remove_stack(session: Session, ref: StackRef, force: bool, preserve_config: bool) -> None:
    """Remove it. CommandFailed while it has resources, unless `force`."""
    rows = session.backend.load(ref).data.get("resources") or []
    if rows and not force and any(row.get("type") != STACK_TYPE for row in rows):
        raise CommandFailed(
            f"'{ref.name}' still has resources; removal rejected. Possible actions:\n"
            f"- Make sure that '{ref.name}' is the stack that you want to destroy\n"
            "- Run `pulumi destroy` to delete the resources, then run `pulumi stack rm`\n"
            "- Run `pulumi stack rm --force` to override this error"
        )
    selected = session.selected_name()
    session.backend.remove(ref)
    if session.has_project and session.project.name == ref.project:
        if not preserve_config:
            session.project.stack_file(ref.name).unlink(missing_ok=True)
        if selected in (ref.full_name, ref.name):
            session.select(None)


@click.command()
@click.argument("name", required=False)
@stack_option
@click.option("--json", "-j", "as_json", is_flag=True, help="Print JSON.")
@click.option("--shell", is_flag=True, help="Print lines for a shell to read.")
@click.option("--show-secrets", is_flag=True, help="Show secrets in clear.")
@click.pass_obj
def output(
    session: Session,
    name: str | None,
    stack_name: str | None,
    as_json: bool,
    shell: bool,
    show_secrets: bool,
) -> int:
    """Show the stack's outputs, or one of them."""
    root = session.load(session.stack(stack_name)).snapshot.root
    found = {
        k: shown(v, show_secrets)
        for k, v in sorted((root.outputs if root is not None else {}).items())
        if v is not None
    }
    if name is not None and name not in found:
        raise CommandFailed(f"current stack does not have output property '{name}'")
    if as_json:
        click.echo(json_text(found if name is None else found[name]))
    elif shell:
        for key in [name] if name is not None else found:
            click.echo(f"{key}={shell_word(one_line(found[key]))}")
    elif name is not None:
        click.echo(one_line(found[name]))
    else:
        click.echo(outputs_table(root.outputs if root is not None else {}, show_secrets))
    return 0


@click.command()
@stack_option
@click.option("--file", "path", metavar="FILE", help="This file in place of stdin or stdout.")
@click.option("--show-secrets", is_flag=True, help="Show secrets in clear.")
@click.option("--version", "version", hidden=True)
@click.pass_obj
def export(
    session: Session,
    stack_name: str | None,
    path: str | None,
    show_secrets: bool,
    version: str | None,
) -> int:
    """Write the state to stdout or a file; secrets stay encrypted unless shown."""
    if version is not None:
        raise CommandFailed("the current backend does not support exporting past deployments")
    loaded = session.load(session.stack(stack_name))
    data: dict[str, Any]
    if show_secrets:
        data = deployment_json(loaded.snapshot, None)
        if loaded.deployment.secrets_provider:
            manifest = data.pop("manifest")
            data = {
                "manifest": manifest,
                "secrets_providers": loaded.deployment.secrets_provider,
                **data,
            }
    else:
        data = dict(loaded.deployment.data)
    text = json_text({"version": loaded.deployment.version, "deployment": data}, 4) + "\n"
    if path is None:
        sys.stdout.write(text)
    else:
        target = Path(path)
        target.touch(0o600)
        target.write_text(text, encoding="utf-8")
    return 0


@click.command("import")
@stack_option
@click.option("--file", "path", metavar="FILE", help="This file in place of stdin or stdout.")
@click.option("--force", "-f", is_flag=True, help="Though it is of another stack or broken.")
@click.pass_obj
def import_(session: Session, stack_name: str | None, path: str | None, force: bool) -> int:
    """Replace the state with one that `stack export` wrote."""
    ref = session.stack(stack_name)
    text = Path(path).read_text(encoding="utf-8") if path else sys.stdin.read()
    deployment = parse_deployment(text, path or "the deployment")
    stack_file = session.stack_file(ref) if session.has_project else None
    try:
        current = session.backend.load(ref)
    except StateError:  # this may be how a damaged state is put right
        current = Deployment(3, {})
    if stack_file is not None:
        salt = session.stack_salt(stack_file, current)
    else:
        from engine.session import salt_of

        salt = salt_of(current)
    snapshot, codec = decode_deployment(deployment, session.secrets_of(deployment, salt))
    _check_import(ref, snapshot, force)
    for pending in snapshot.pending:
        click.echo(
            f"warning: removing pending operation '{pending.type}' on '{pending.resource.urn}' "
            "from snapshot",
            err=True,
        )
    snapshot.pending = []
    with session.backend.lock(ref):
        session.backend.backup(ref)
        # Other salt: nothing sealed before may be kept as it is.
        _, fresh = decode_deployment(Deployment(3, {}), session.sealer(salt).secrets())
        kept = (
            codec
            if (session.secrets_of(deployment, salt).provider == _provider(deployment))
            else fresh
        )
        session.save(ref, snapshot, kept)
    click.echo("Import complete.")
    return 0


def _provider(deployment: Deployment) -> Any:
    return dict(deployment.secrets_provider)


def _check_import(ref: StackRef, snapshot: Snapshot, force: bool) -> None:
    """CommandFailed for a state that isn't sound, or (without force) of another stack."""
    problems = integrity_problems(snapshot.rows)
    if problems:
        raise CommandFailed("the deployment is not sound:\n  " + "\n  ".join(problems[:5]))
    prefix = f"urn:pulumi:{ref.name}::{ref.project}::"
    foreign = [row.urn for row in snapshot.rows if not row.urn.startswith(prefix)]
    if foreign and not force:
        raise CommandFailed(
            f"'{foreign[0]}' is not part of stack {ref.full_name} ({len(foreign)} such rows); "
            "use --force to import them nevertheless"
        )


@click.command()
@stack_option
@click.option("--json", "-j", "as_json", is_flag=True, help="Print JSON.")
@click.option("--show-secrets", is_flag=True, help="Show secrets in clear.")
@click.option("--page-size", type=int, default=0, help="Entries a page; all on one if 0.")
@click.option("--page", type=int, default=1, help="Which page.")
@click.pass_obj
def history(
    session: Session,
    stack_name: str | None,
    as_json: bool,
    show_secrets: bool,
    page_size: int,
    page: int,
) -> None:
    """List finished operations, newest first."""
    ref = session.stack(stack_name)
    entries = session.backend.history(ref)
    page = max(page, 1)
    if page_size > 0:
        entries = entries[(page - 1) * page_size : page * page_size]
    if as_json:
        click.echo(json_text([_history_json(session, e, show_secrets) for e in entries]))
        return
    for entry in entries:
        changes = " ".join(f"{n} {op}" for op, n in (entry.get("resourceChanges") or {}).items())
        when = _moment(entry.get("endTime", 0))
        click.echo(f"{entry.get('kind')}\t{when}\t{entry.get('result')}\t{changes}")
        if entry.get("message"):
            click.echo(f"    {entry['message']}")
    if not entries:
        click.echo("Stack has never been updated")


def _moment(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(seconds))


def _history_json(session: Session, entry: dict[str, Any], show_secrets: bool) -> dict[str, Any]:
    """One entry as `stack history --json` gives it."""
    from engine.stackfile import config_value

    config: dict[str, Any] = {}
    for key, stored in sorted((entry.get("config") or {}).items()):
        if show_secrets:
            salt = entry.get("salt") or session.stack_file(session.stack(None)).salt
            value = config_value(stored, session.sealer(salt).decrypt)
        else:
            value = config_value(stored, lambda _: "[secret]")
        item: dict[str, Any] = {}
        if show_secrets or not value.secret:
            item["value"] = value.text
            if value.is_object:
                item["objectValue"] = value.value
        config[key] = {**item, "secret": value.secret}
    found = {
        "version": entry.get("version", 0),
        "kind": entry.get("kind"),
        "startTime": _moment(entry.get("startTime", 0)),
        "message": entry.get("message", ""),
        "environment": entry.get("environment") or {},
        "config": config,
        "result": entry.get("result"),
        "endTime": _moment(entry.get("endTime", 0)),
    }
    if entry.get("resourceChanges"):
        found["resourceChanges"] = entry["resourceChanges"]
    return found


__all__ = ["stack", "timestamp"]
