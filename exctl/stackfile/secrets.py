"""Secrets of a stack: a new one in an old one's place, and all of them for those who may."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from pulumi import automation as auto

import vendor_facts as vendor
from exctl import files
from exctl.errors import NothingTouched
from exctl.pulumi.process import Pulumi
from exctl.pulumi.workspace import explained, has_passphrase, open_stack
from exctl.site import StackPlace, read_stack_file
from exctl.terminal import messages, questions
from stack.loader import needed_secrets, sections_of
from stack.paths import NAMESPACE
from stack.secrecy import SECRET_NAMES

_decrypted: dict[tuple[str, str], dict[str, str]] = {}
"""What this process has decrypted, by the stack and its file's content."""
_one_decrypts = threading.Lock()


def read_new(name: str) -> str:
    """The new value: asked for twice without echo, or the whole of stdin if that's no terminal.

    Never an argument: every user of this machine could read it in the process list.
    """
    if name not in SECRET_NAMES:
        raise NothingTouched(f"{name} isn't a secret; there are {', '.join(SECRET_NAMES)}.")
    if questions.is_terminal():
        value = questions.ask_secret(f"new {name}", False)
    else:
        value = questions.without_line_end(questions.all_of_stdin())
    messages.hide(value)
    if why := questions.unusable(value):
        raise NothingTouched(f"{name}: what was given {why}.")
    return value


def with_secret(place: StackPlace, name: str, value: str) -> str:
    """The text of the stack file with the secret encrypted again; the file itself is as before.

    Raises NothingTouched if the passphrase isn't that of the others, so that one file never has
    two.
    """
    path = place.project / f".Pulumi.{place.stack}.rotated.yaml"
    files.write(path, files.read(place.file))
    try:
        encrypt_in(open_stack(place), {name: value}, path)
        return files.read(path)
    except auto.CommandError as error:
        raise NothingTouched(f"{explained(error, place)}.") from None
    finally:
        path.unlink()


def encrypt_in(stack: auto.Stack, values: Mapping[str, str], file: Path | None = None) -> None:
    """Put the secrets, encrypted, into the stack file, or into `file`.

    Pulumi is given them on stdin: the Automation API's own `set_config` puts them on a command
    line, where every user of this machine could read them.
    """
    pulumi, workspace = stack.workspace.pulumi_command, stack.workspace
    assert isinstance(pulumi, Pulumi)
    where = [] if file is None else ["--config-file", str(file)]
    for name, value in values.items():
        words = ["config", "set", "--secret", f"{NAMESPACE}:{name}", "--stack", stack.name, *where]
        pulumi.run(words, workspace.work_dir, workspace.env_vars, stdin=value)


def all_of(site: StackPlace, file: Path | None = None) -> dict[str, str]:
    """The secrets in plaintext, of the stack file or of `file` in its place.

    Decrypted once for each content: Pulumi derives the key anew each time, 0.5 s of CPU, and
    preflight, history and hooks all ask. Raises NothingTouched if the passphrase isn't theirs, or
    with the names of those that are damaged.
    """
    content = (site.stack, files.read(file or site.file))
    with _one_decrypts:
        if content not in _decrypted:
            _decrypted[content] = _decrypt(site, file)
        return dict(_decrypted[content])


def _decrypt(site: StackPlace, file: Path | None) -> dict[str, str]:
    prefix = f"{NAMESPACE}:"
    stack = open_stack(site)
    where = [] if file is None else ["--config-file", str(file)]
    try:
        said = _config(stack, "--show-secrets", "--json", *where)
    except auto.CommandError as error:
        raise NothingTouched(_not_decrypted(stack, site, error, where)) from None
    return {
        key.removeprefix(prefix): str(entry["value"])
        for key, entry in json.loads(said).items()
        if entry["secret"] and key.startswith(prefix)
    }


def known_of(site: StackPlace) -> list[str]:
    """The values of the secrets, to be redacted wherever they turn up; none without a passphrase:
    nobody is asked for one for that."""
    return [*all_of(site).values()] if has_passphrase(site.stack) else []


def _config(stack: auto.Stack, *words: str) -> str:
    pulumi, workspace = stack.workspace.pulumi_command, stack.workspace
    assert isinstance(pulumi, Pulumi)
    command = ["config", *words, "--stack", stack.name]
    return pulumi.run(command, workspace.work_dir, workspace.env_vars).stdout


def _not_decrypted(
    stack: auto.Stack, place: StackPlace, error: auto.CommandError, where: Sequence[str]
) -> str:
    """Why, naming the secrets that are damaged: Pulumi doesn't say which."""
    why = explained(error, place)
    if "could not decrypt" not in why:
        return f"{why}."
    damaged = []
    for name in secret_keys_of(place):
        try:
            _config(stack, "get", f"{NAMESPACE}:{name}", *where)
        except auto.CommandError:
            damaged.append(name)
    first = damaged[0] if damaged else "NAME"
    return (
        f"{place.file.name}: {', '.join(damaged) or 'a secret'} can't be decrypted; the ciphertext"
        f" is damaged. Replace it with: exctl secret set {first} --stack {place.stack}. Nothing was"
        " touched."
    )


def secret_keys_of(place: StackPlace) -> set[str]:
    """The names of the secrets that the stack file has, whatever else is in it."""
    return read_stack_file(place.file)[1]


def listed(place: StackPlace) -> list[dict[str, object]]:
    """Every secret: its name and purpose, whether it is set, and whether the stack needs it."""
    values, keys = read_stack_file(place.file)
    needed = needed_secrets(sections_of(values))
    return [
        {
            "name": secret.name,
            "purpose": secret.purpose,
            "is_set": secret.name in keys,
            "is_needed": secret.name in needed,
        }
        for secret in vendor.SECRETS
    ]
