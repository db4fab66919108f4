"""The one way to Pulumi: its Automation API, with the CLI where there is one, else our engine."""

from __future__ import annotations

import getpass
import os
import shutil
import sys
from pathlib import Path

from pulumi import automation as auto

from exctl.errors import ExctlError, NothingTouched
from exctl.pulumi_process import Pulumi
from exctl.site import PROGRAM, Place

ENGINE_VARIABLE = "EXCTL_ENGINE"
"""`embedded` takes the embedded engine even where the Pulumi CLI is there."""


def open_stack(site: Place) -> auto.Stack:
    """The stack in its backend, made there if this is its first use."""
    command = pulumi_command()
    variables = {"PULUMI_SKIP_UPDATE_CHECK": "1", **passphrase(site)}
    workspace = auto.LocalWorkspace(
        work_dir=str(site.project), pulumi_command=command, env_vars=variables
    )
    make_state_directory(site.project)
    try:
        return auto.Stack.create_or_select(site.stack, workspace)
    except auto.CommandError as error:
        raise ExctlError(f"the stack {site.stack} can't be opened: {last_error(error)}") from None


def pulumi_command() -> Pulumi:
    """`pulumi` from PATH, else the embedded engine."""
    if os.environ.get(ENGINE_VARIABLE) != "embedded" and shutil.which("pulumi"):
        return Pulumi()
    return Pulumi(root=str(PROGRAM / "engine"))


def make_state_directory(project: Path) -> None:
    """Makes the place of the state that Pulumi.yaml names; Pulumi wants it to exist."""
    if "PULUMI_BACKEND_URL" not in os.environ:
        (project / "state").mkdir(exist_ok=True)


def passphrase(site: Place) -> dict[str, str]:
    """The passphrase as a variable for Pulumi, asked for, once, if the environment has none."""
    if {"PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE"} & os.environ.keys():
        return {}
    if not sys.stdin.isatty():
        raise NothingTouched(
            f"the secrets of the stack {site.stack} are encrypted; set PULUMI_CONFIG_PASSPHRASE or"
            " PULUMI_CONFIG_PASSPHRASE_FILE to decrypt them. Nothing was touched."
        )
    # Into our own environment: a way back after a failure must not stop at a prompt.
    os.environ["PULUMI_CONFIG_PASSPHRASE"] = getpass.getpass(f"Passphrase of stack {site.stack}: ")
    return {}


def last_error(error: auto.CommandError) -> str:
    """Pulumi's own words for what went wrong, without the whole output around them."""
    lines = [line.strip() for line in str(error).splitlines()]
    worded = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
    return worded[-1] if worded else next((line for line in reversed(lines) if line), "")
