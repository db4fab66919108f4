"""Which exctl this is: its version, the program's revision, and what runs its stacks."""

from __future__ import annotations

import hashlib
import subprocess
from importlib import metadata
from pathlib import Path

from exctl.site import PROGRAM
from kit.contents import description_in

PACKAGE = "exec-deploy"
CODE = (
    "__main__.py", "vendor_facts.py", "components", "config_schema", "engage", "exctl", "genesys",
    "health", "hosts", "monitoring", "oci", "plugins", "stack",
)  # fmt: skip
"""What a deployment is made by."""


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


def code_sha256(project: Path) -> str:
    """The hash of all code that deploys a project's stacks: this program's, and the project's own
    copy of it if it has one. Unlike the revision, it stays when a stack file is committed."""
    found = hashlib.sha256()
    for root in dict.fromkeys((PROGRAM, project.resolve())):
        for name in CODE:
            top = root / name
            for path in sorted(top.rglob("*.py")) if top.is_dir() else [top] * top.is_file():
                found.update(f"{path.relative_to(root)}\0".encode())
                found.update(hashlib.sha256(path.read_bytes()).digest())
    return found.hexdigest()


def _runner() -> str:
    from exctl.pulumi.process import cli_path

    found = cli_path()
    return "no Pulumi CLI" if found is None else f"Pulumi CLI {found}"
