"""Which exctl this is: its version, the program's revision, and what runs its stacks."""

from __future__ import annotations

import subprocess
from importlib import metadata

from exctl.site import PROGRAM
from kit.contents import description_in

PACKAGE = "exec-deploy"


def described() -> str:
    """`exctl 0.1.0 (e994efc), Pulumi SDK 3.272.0, Pulumi CLI …/bin/pulumi`, as one line."""
    own = program_version() or "of unknown version"
    revision = program_revision()
    sdk = metadata.version("pulumi")
    return f"exctl {own}{f' ({revision})' if revision else ''}, Pulumi SDK {sdk}, {_runner()}"


def program_version() -> str:
    """The version of the installed package; empty if it isn't installed."""
    try:
        return metadata.version(PACKAGE)
    except metadata.PackageNotFoundError:
        return ""


def program_revision() -> str:
    """The program's git revision, with + if files of it differ; that of the kit which has installed
    it; empty where neither tells."""
    if kit := description_in(PROGRAM):
        return kit.revision[:7]
    run = subprocess.run(
        ["git", "describe", "--always", "--dirty=+"], cwd=PROGRAM, capture_output=True, text=True
    )
    return run.stdout.strip() if run.returncode == 0 else ""


def _runner() -> str:
    from exctl.pulumi.process import cli_path

    found = cli_path()
    return "no Pulumi CLI" if found is None else f"Pulumi CLI {found}"
