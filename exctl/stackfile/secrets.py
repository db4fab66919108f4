"""Secrets of a stack: a new one in an old one's place, and all of them for those who may."""

from __future__ import annotations

import getpass
import json
import sys
from collections.abc import Mapping
from pathlib import Path

from pulumi import automation as auto

import vendor_facts as vendor
from exctl.errors import NothingTouched
from exctl.pulumi.process import Pulumi
from exctl.pulumi.workspace import last_error, open_stack
from exctl.rundir import run_directory
from exctl.site import Place, Site
from exctl.stackfile import stack_file
from stack.loader import NAMESPACE

NAMES = tuple(secret.name for secret in vendor.SECRETS)


def read_new(name: str) -> str:
    """The new value: asked for twice without echo, or the whole of stdin if that's no terminal.

    Never an argument: every user of this machine could read it in the process list.
    """
    if name not in NAMES:
        raise NothingTouched(f"{name} isn't a secret; there are {', '.join(NAMES)}.")
    if sys.stdin.isatty():
        value = getpass.getpass(f"New {name}: ")
        if value != getpass.getpass("The same again: "):
            raise NothingTouched("the two differ.")
    else:
        value = sys.stdin.read().removesuffix("\n")
    if not value:
        raise NothingTouched(f"an empty {name} was given.")
    return value


def rotated(site: Site, name: str, value: str) -> str:
    """The text of the stack file with the secret encrypted anew; the file itself is as before."""
    path = run_directory(site.project) / f"Pulumi.{site.stack}.rotated.yaml"
    stack_file.write(path, stack_file.path_of(site).read_text())
    try:
        encrypt(site, {name: value}, path)
        return path.read_text()
    finally:
        path.unlink()


def encrypt(place: Place, values: Mapping[str, str], file: Path | None = None) -> None:
    """Put the secrets, encrypted, into the stack file, or into `file`.

    Pulumi is given them on stdin: the Automation API's own `set_config` puts them on a command
    line, where every user of this machine could read them.
    """
    encrypt_in(open_stack(place), values, file)


def encrypt_in(stack: auto.Stack, values: Mapping[str, str], file: Path | None = None) -> None:
    """`encrypt`, for a stack that is open."""
    pulumi, workspace = stack.workspace.pulumi_command, stack.workspace
    assert isinstance(pulumi, Pulumi)
    where = [] if file is None else ["--config-file", str(file)]
    for name, value in values.items():
        words = ["config", "set", "--secret", f"{NAMESPACE}:{name}", "--stack", stack.name, *where]
        pulumi.run(words, workspace.work_dir, workspace.env_vars, stdin=value)


def all_of(site: Site, file: Path | None = None) -> dict[str, str]:
    """The secrets in clear, of the stack file or of `file` in its place.

    Raises NothingTouched if the passphrase isn't theirs.
    """
    prefix = f"{NAMESPACE}:"
    stack = open_stack(site)
    pulumi, workspace = stack.workspace.pulumi_command, stack.workspace
    assert isinstance(pulumi, Pulumi)
    words = ["config", "--show-secrets", "--json", "--stack", site.stack]
    words += [] if file is None else ["--config-file", str(file)]
    try:
        said = pulumi.run(words, workspace.work_dir, workspace.env_vars).stdout
    except auto.CommandError as error:
        raise NothingTouched(
            f"the secrets of the stack {site.stack} can't be decrypted: {last_error(error)}."
        ) from None
    return {
        key.removeprefix(prefix): str(entry["value"])
        for key, entry in json.loads(said).items()
        if entry["secret"] and key.startswith(prefix)
    }
