"""Prints the path of a Pulumi CLI that fits this clone's SDK: from PATH, or else built once.

    python -m toolchain

Run by scripts/setup with any Python 3.11 (standard library alone), in the clone's folder. What it
says goes to stderr. Exit codes: 0 there is one · 1 there is none, and why is said · 128 + signal.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from types import FrameType

from toolchain import build
from toolchain.failures import BuildFailure
from toolchain.found import FoundProgram, cached_cli, cli_on_path, go_on_path
from toolchain.versions import Locked, locked

CLONE = Path(__file__).resolve().parent.parent
INSTALLATION = "https://www.pulumi.com/docs/install/"
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main() -> int:
    for number in SIGNALS:
        signal.signal(number, _end)
    wanted = locked(CLONE)
    try:
        cli = _find_or_build(wanted)
    except BuildFailure as why:
        remedy = f"{why.cause.remedy}, then " if why.cause.remedy else ""
        say(
            f"the Pulumi CLI {wanted.cli} wasn't built: {why.cause.happened} ({why.detail})."
            f" To go on, {remedy}run scripts/setup again; or install Pulumi {wanted.sdk} or newer,"
            f" with `pulumi` on PATH ({INSTALLATION}). Nothing of the build is left."
        )
        return 1
    print(cli)
    return 0


def _find_or_build(wanted: Locked) -> Path:
    found = cli_on_path(CLONE / ".venv")
    if found and found.version and found.version >= wanted.sdk:
        return found.path
    if found and not cached_cli(wanted).is_file():
        say(f"{_of(found, 'pulumi')}; the SDK needs {wanted.sdk} or newer. It isn't used.")
    return built(wanted)


def built(wanted: Locked) -> Path:
    """The CLI that the lock file names, built now if it hasn't been. Raises BuildFailure."""
    path = cached_cli(wanted)
    if not path.is_file():
        with build.alone(say):
            if not path.is_file():
                _build(wanted)
    return path


def _build(wanted: Locked) -> None:
    go = go_on_path()
    if go and (not go.version or go.version < wanted.go):
        say(f"{_of(go, 'go')}; the CLI needs {wanted.go} or newer. PyPI's Go is used instead.")
        go = None
    say(
        f"building the Pulumi CLI {wanted.cli} from its Go module, once for all clones, into"
        f" {cached_cli(wanted).parent}, with"
        f" {f'Go {go.version}' if go else 'Go from PyPI, for this build alone'}. This takes about"
        f" {build.MINUTES} minutes on two cores and {build.MEMORY_MIB / 1024:.0f} GiB of memory,"
        f" fetches {build.FETCHED_MIB} MiB, and needs {build.DISK_MIB / 1024:.1f} GiB of disk for"
        f" that, {build.KEPT_MIB} MiB afterwards. With Pulumi {wanted.sdk} or newer on PATH"
        f" ({INSTALLATION}) nothing is built."
    )
    build.build(wanted, CLONE, go, say)
    say(f"the Pulumi CLI {wanted.cli} is built")


def _of(found: FoundProgram, name: str) -> str:
    if found.version is None:
        return f"{found.path} doesn't tell its version"
    return f"{name} on PATH ({found.path}) is {found.version}"


def say(line: str) -> None:
    print(f"setup: {line}", file=sys.stderr, flush=True)


def _end(number: int, _frame: FrameType | None) -> None:
    """Ends the build in order: what it started is killed, what it wrote removed. Once is enough."""
    for each in SIGNALS:
        signal.signal(each, signal.SIG_IGN)
    os.write(2, b"setup: interrupted: what the build wrote so far is being removed\n")
    raise SystemExit(128 + number)


if __name__ == "__main__":
    os.umask(0o022)
    sys.exit(main())
