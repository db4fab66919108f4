"""`pulumi config …`."""

from __future__ import annotations

import json
import sys
from typing import Any

import click

from engine.cli import Commands
from engine.codec import HIDDEN
from engine.crypto import looks_secret
from engine.session import CommandFailed, Session
from engine.stackfile import (
    ConfigValue,
    StackFile,
    config_value,
    is_secure,
    opened,
    value_at,
)
from engine.text import json_text, table
from engine.values import parse_path
from engine.yamltext import as_text, go_json

stack_option = click.option("-s", "--stack", "stack_name", metavar="NAME", help="The stack.")
file_option = click.option("--config-file", metavar="FILE", help="Instead of Pulumi.<stack>.yaml.")
path_option = click.option("--path", "as_path", is_flag=True, help="The key is a path: a.b[0].c")


class ConfigCommands(Commands):
    """The subcommands."""

    path = "pulumi config"
    refused = frozenset({"cp", "env", "refresh"})
    table = {  # noqa: RUF012 - as in Commands
        name: f"commands_config:{function}"
        for name, function in {
            "get": "get",
            "set": "set_",
            "rm": "rm",
            "remove": "rm",
            "set-all": "set_all",
            "rm-all": "rm_all",
        }.items()
    }


def _open(session: Session, stack_name: str | None, path: str | None) -> tuple[str, StackFile]:
    ref = session.stack(stack_name)
    return ref.name, session.stack_file(ref, path)


def _hidden(_ciphertext: str) -> str:
    return HIDDEN


@click.group(cls=ConfigCommands, invoke_without_command=True)
@stack_option
@file_option
@click.option("--json", "-j", "as_json", is_flag=True, help="Print JSON.")
@click.option("--show-secrets", is_flag=True, help="Show secrets in clear.")
@click.pass_context
def config(
    ctx: click.Context,
    stack_name: str | None,
    config_file: str | None,
    as_json: bool,
    show_secrets: bool,
) -> None:
    """List the stack's configuration, or work with it."""
    if ctx.invoked_subcommand is not None:
        ctx.meta["stack"], ctx.meta["file"] = stack_name, config_file
        return
    session: Session = ctx.obj
    _, stack_file = _open(session, stack_name, config_file)
    values = session.config(stack_file) if show_secrets else stack_file.values(_hidden)
    if as_json:
        click.echo(
            json_text({k: as_json_entry(v, show_secrets) for k, v in sorted(values.items())})
        )
        return
    rows = [("KEY", "VALUE")]
    rows += [(session.project.short_key(k), v.text) for k, v in sorted(values.items())]
    click.echo(table(rows))


def as_json_entry(value: ConfigValue, show_secrets: bool) -> dict[str, Any]:
    """`{"value", "objectValue", "secret"}`; a secret's value only if it is shown."""
    found: dict[str, Any] = {}
    if show_secrets or not value.secret:
        found["value"] = value.text
        if value.is_object:
            found["objectValue"] = value.value
    return {**found, "secret": value.secret}


def split_key(session: Session, key: str, as_path: bool) -> tuple[str, tuple[str | int, ...]]:
    """The full key, and with `--path` the place inside its value."""
    if not as_path:
        return session.project.full_key(key), ()
    namespace, colon, rest = key.rpartition(":")
    try:
        parts = parse_path(rest)
    except ValueError as problem:
        raise CommandFailed(f"invalid configuration key: {problem}") from None
    if not parts or not isinstance(parts[0], str):
        raise CommandFailed(f"invalid configuration key '{key}'")
    return session.project.full_key(f"{namespace}{colon}{parts[0]}"), parts[1:]


@click.command()
@click.argument("key")
@stack_option
@file_option
@path_option
@click.option("--json", "-j", "as_json", is_flag=True, help="Print JSON.")
@click.option("--open", "_open_environment", is_flag=True, hidden=True)
@click.pass_context
def get(
    ctx: click.Context,
    key: str,
    stack_name: str | None,
    config_file: str | None,
    as_path: bool,
    as_json: bool,
    _open_environment: bool,
) -> int:
    """Show one value, also a secret one."""
    session: Session = ctx.obj
    stack, stack_file = _target(ctx, stack_name, config_file)
    full, path = split_key(session, key, as_path)
    stored = value_at(stack_file.config.get(full), path)
    if stored is None:
        raise CommandFailed(f"configuration key '{key}' not found for stack '{stack}'")
    value = config_value(stored, lambda text: session.sealer(stack_file.salt).decrypt(text))
    if as_json:
        entry = as_json_entry(value, show_secrets=True)
        click.echo(json_text(entry))
    else:
        click.echo(value.text)
    return 0


def _target(
    ctx: click.Context, stack_name: str | None, config_file: str | None
) -> tuple[str, StackFile]:
    outer = ctx.meta
    return _open(ctx.obj, stack_name or outer.get("stack"), config_file or outer.get("file"))


def adjusted(text: str, as_path: bool, kind: str | None) -> Any:
    """What a word of the command line is stored as: a string, or with `--path` or `--type` the
    boolean or number it looks like."""
    if kind == "string" or (kind is None and not as_path):
        return text
    if kind in (None, "bool") and text in ("true", "false"):
        return text == "true"
    plain = text.lstrip("-")
    if kind in (None, "int") and plain.isdigit() and (plain == "0" or plain[0] != "0"):
        return int(text)
    if kind == "float":
        return float(text)
    if kind is not None:
        raise CommandFailed(f"'{text}' is not a valid {kind}")
    return text


def seal(session: Session, stack_file: StackFile, stack: str, text: str) -> dict[str, str]:
    """`{"secure": ciphertext}` under the stack's salt."""
    salt = stack_file.salt
    if not salt:
        ref = session.stack(stack)
        salt = session.stack_salt(stack_file, session.backend.load(ref))
    return {"secure": session.sealer(salt).encrypt(text)}


@click.command("set")
@click.argument("key")
@click.argument("value", required=False)
@stack_option
@file_option
@path_option
@click.option("--secret", is_flag=True, help="Encrypt the value.")
@click.option("--plaintext", is_flag=True, help="Store the value in clear.")
@click.option(
    "--type",
    "kind",
    type=click.Choice(["string", "int", "bool", "float"]),
    help="What the value is; a string otherwise.",
)
@click.pass_context
def set_(
    ctx: click.Context,
    key: str,
    value: str | None,
    stack_name: str | None,
    config_file: str | None,
    as_path: bool,
    secret: bool,
    plaintext: bool,
    kind: str | None,
) -> int:
    """Set a value; from stdin, or asked for, if none is given."""
    session: Session = ctx.obj
    if secret and plaintext:
        raise CommandFailed("--secret and --plaintext cannot be used together")
    stack, stack_file = _target(ctx, stack_name, config_file)
    full, path = split_key(session, key, as_path)
    if value is None:
        value = _asked(session, secret)
    stored: Any = adjusted(value, as_path, kind)
    if secret:
        stored = seal(session, stack_file, stack, value)
    elif not path and is_secure(stack_file.config.get(full)) and not plaintext:
        raise CommandFailed(
            f"'{key}' is secret now: use --secret to set it, or --plaintext to lay it open"
        )
    elif not plaintext and looks_secret(key.rpartition(":")[2], value):
        raise CommandFailed(
            f"config value for '{full}' looks like a secret; rerun with --secret to encrypt it, or "
            "--plaintext if you meant to store in plaintext"
        )
    stack_file.set(full, path, stored)
    return 0


def _asked(session: Session, secret: bool) -> str:
    if not session.interactive:
        if sys.stdin.isatty():
            raise CommandFailed("config value must be provided in non-interactive mode")
        return sys.stdin.read().removesuffix("\n")
    return str(click.prompt("value", hide_input=secret))


@click.command("set-all")
@stack_option
@file_option
@path_option
@click.option("--plaintext", "plain", multiple=True, help="KEY=VALUE in clear.")
@click.option("--secret", "secrets", multiple=True, help="KEY=VALUE, encrypted.")
@click.option(
    "--json", "json_text_", metavar="JSON", help="All values, as `config --json` prints them."
)
@click.pass_context
def set_all(
    ctx: click.Context,
    stack_name: str | None,
    config_file: str | None,
    as_path: bool,
    plain: tuple[str, ...],
    secrets: tuple[str, ...],
    json_text_: str | None,
) -> int:
    """Set several values at once: --plaintext k=v, --secret k=v, or --json."""
    session: Session = ctx.obj
    stack, stack_file = _target(ctx, stack_name, config_file)
    entries: list[tuple[str, Any, bool]] = []
    for words, secret in ((plain, False), (secrets, True)):
        for word in words:
            key, equals, value = word.partition("=")
            if not equals:
                raise CommandFailed(f"'{word}': expected key=value")
            entries.append((key, value, secret))
    if json_text_ is not None:
        entries += _entries_of_json(json_text_)
    for key, value, secret in entries:
        full, path = split_key(session, key, as_path)
        stored = adjusted(value, as_path, None) if isinstance(value, str) else value
        if secret:
            text = value if isinstance(value, str) else go_json(value)
            stored = seal(session, stack_file, stack, text)
        stack_file.set(full, path, stored)
    return 0


def _entries_of_json(text: str) -> list[tuple[str, Any, bool]]:
    try:
        data = json.loads(text)
        return [
            (key, item.get("objectValue", item.get("value")), bool(item.get("secret")))
            for key, item in data.items()
        ]
    except (ValueError, AttributeError):
        raise CommandFailed("--json: expected what `config --json` gives") from None


@click.command()
@click.argument("key")
@stack_option
@file_option
@path_option
@click.pass_context
def rm(
    ctx: click.Context,
    key: str,
    stack_name: str | None,
    config_file: str | None,
    as_path: bool,
) -> int:
    """Remove a value; one that isn't there is no error."""
    _, stack_file = _target(ctx, stack_name, config_file)
    stack_file.remove(*split_key(ctx.obj, key, as_path))
    return 0


@click.command("rm-all")
@click.argument("keys", nargs=-1)
@stack_option
@file_option
@path_option
@click.pass_context
def rm_all(
    ctx: click.Context,
    keys: tuple[str, ...],
    stack_name: str | None,
    config_file: str | None,
    as_path: bool,
) -> int:
    """Remove several values."""
    _, stack_file = _target(ctx, stack_name, config_file)
    for key in keys:
        stack_file.remove(*split_key(ctx.obj, key, as_path))
    return 0


__all__ = ["as_text", "config", "opened"]
