"""Which exctl this is: its version, the program's revision, and what runs its stacks."""

from __future__ import annotations

import os
import shutil
import subprocess
from importlib import metadata
from pathlib import Path

from exctl.site import PROGRAM

PACKAGE = "exec-deploy"


def described() -> str:
    """`exctl 0.1.0 (e994efc), Python SDK 3.260.0, embedded engine`, as one line."""
    try:
        own = metadata.version(PACKAGE)
    except metadata.PackageNotFoundError:
        own = "of unknown version"
    revision = program_revision()
    sdk = metadata.version("pulumi")
    return f"exctl {own}{f' ({revision})' if revision else ''}, Pulumi SDK {sdk}, {_runner()}"


def program_revision() -> str:
    """The program's git revision, with + if files of it differ; empty outside git."""
    run = subprocess.run(
        ["git", "describe", "--always", "--dirty=+"], cwd=PROGRAM, capture_output=True, text=True
    )
    return run.stdout.strip() if run.returncode == 0 else ""


def _runner() -> str:
    """The embedded engine, also where it stands first in PATH under the CLI's name."""
    found = shutil.which("pulumi")
    if os.environ.get("EXCTL_ENGINE") == "embedded" or found is None:
        return "embedded engine"
    is_ours = Path(found).resolve().is_relative_to(PROGRAM / "engine")
    return "embedded engine" if is_ours else "Pulumi CLI"
