"""Which versions count: of Pulumi's SDK, of its CLI and of Go, as the lock files say."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple


class Version(NamedTuple):
    """A version that compares: a pre-release (3.275.0-alpha.1, 1.27rc1) is before its release."""

    major: int
    minor: int
    patch: int
    released: bool

    def __str__(self) -> str:
        pre = "" if self.released else " (a pre-release)"
        return f"{self.major}.{self.minor}.{self.patch}{pre}"


def parse(text: str) -> Version | None:
    """The version that a text starts with, after `v` or `go`; None if it starts with none."""
    found = re.match(r"(?:v|go)?(\d+)\.(\d+)(?:\.(\d+))?(\S*)", text.strip())
    if not found:
        return None
    major, minor, patch, rest = found.groups()
    released = not rest or rest.startswith("+")
    return Version(int(major), int(minor), int(patch or 0), released)


@dataclass(frozen=True)
class Locked:
    """What this clone's lock files ask for."""

    sdk: Version
    cli: Version
    go: Version
    modules: str
    """The beginning of go.sum's SHA-256: another one where a module of the CLI was raised."""


def locked(clone: Path) -> Locked:
    """What the lock files of a clone ask for."""
    go_mod = (clone / "toolchain/go.mod").read_text()
    requirements = (clone / "requirements.txt").read_text()
    return Locked(
        sdk=_one(r"^pulumi==(\S+)", requirements),
        cli=_one(r"^\s*github\.com/pulumi/pulumi/pkg/v3 (\S+)", go_mod),
        go=_one(r"^go (\S+)", go_mod),
        modules=hashlib.sha256((clone / "toolchain/go.sum").read_bytes()).hexdigest()[:8],
    )


def _one(pattern: str, text: str) -> Version:
    found = re.search(pattern, text, re.MULTILINE)
    version = parse(found[1]) if found else None
    if version is None:
        raise ValueError(f"no version where a lock file should have one: {pattern}")
    return version
