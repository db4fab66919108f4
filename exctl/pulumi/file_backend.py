"""Pulumi's state in files, kept readable when a run is killed.

Beside each state file Pulumi's storage library keeps its checksum in a file `.attrs`, which it
writes in place: a kill between its creation and its content leaves it empty, and then Pulumi can't
read the state ("failed to load checkpoint: EOF"), though that is whole. Without these files there
is nothing to be broken, and nothing reads them otherwise.

Source: gocloud.dev/blob/fileblob, `metadata=skip`. Measured: the lab's story of killed runs hit it.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

VARIABLE = "PULUMI_BACKEND_URL"
SCHEME = "file://"
OPTION = "metadata=skip"


def variables() -> dict[str, str]:
    """What to set for the CLI where the operator's environment names a backend in files: the same
    one without `.attrs` files. Pulumi.yaml names ours without them."""
    url = os.environ.get(VARIABLE, "")
    if not url.startswith(SCHEME) or "metadata=" in url:
        return {}
    return {VARIABLE: f"{url}{'&' if '?' in url else '?'}{OPTION}"}


def mend(default: Path) -> None:
    """Removes the empty `.attrs` files that killed runs have left in the state's directory: the
    environment's, or else `default`."""
    url = os.environ.get(VARIABLE, "")
    if url and not url.startswith(SCHEME):
        return
    path = url.removeprefix(SCHEME).partition("?")[0]
    directory = Path(path).expanduser() if path else default
    for found in (directory / ".pulumi/stacks").rglob("*.attrs"):
        with contextlib.suppress(OSError):  # another run's, or gone by now
            if found.stat().st_size == 0:
                found.unlink()
