"""People who sign plans: their SSH keys, and the file of those who may."""

from __future__ import annotations

import subprocess
from pathlib import Path

PROTECT = "  exec:protect: {approvals: 1, allowed_signers_path: approvers}\n"


def make_signers(directory: Path, allowed: tuple[str, ...], others: tuple[str, ...] = ()) -> None:
    """A key for each in the directory, and `approvers`, which names the allowed ones."""
    lines = []
    for name in (*allowed, *others):
        words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(directory / name)]
        subprocess.run(words, check=True)
        kind, key, *_ = (directory / f"{name}.pub").read_text().split()
        lines.append(f"{name}@example.com {kind} {key}\n")
    (directory / "approvers").write_text("".join(lines[: len(allowed)]))
