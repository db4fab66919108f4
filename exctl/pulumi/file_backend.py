"""Pulumi's state in files, kept readable when a run is killed.

Beside each state file Pulumi's storage library keeps its checksum in a file `.attrs`, which it
writes in place: a kill between its creation and its content leaves it empty, and then Pulumi can't
read the state ("failed to load checkpoint: EOF"), though that is whole. Without these files there
is nothing to be broken, and nothing reads them otherwise.

A lock is written under another name, `.tmp`, first. Where that fails, on a full disk, the empty
file stays; Pulumi takes it for a lock and refuses every run ("unexpected end of JSON input").

Source: gocloud.dev/blob/fileblob, `metadata=skip`. Measured: the lab's stories of killed runs and
of a full disk hit these.
"""

from __future__ import annotations

import contextlib
import shutil
import time
from pathlib import Path

from exctl import backend
from exctl.errors import ExctlError

FREE_MIB = 16
"""Chosen: a run writes the state several times, with copies of it; each has well under 1 MiB."""
OPTION = "metadata=skip"
LOCK_WRITTEN_SECONDS = 5.0
"""Chosen: far longer than writing a lock takes; until then it may be another run's."""


def variables(project: Path) -> dict[str, str]:
    """What to set for the CLI where a backend in files would have `.attrs` files: the same one
    without them, as our Pulumi.yaml names it."""
    url = backend.url(project)
    if not url.startswith(backend.IN_FILES) or "metadata=" in url:
        return {}
    return {backend.VARIABLE: f"{url}{'&' if '?' in url else '?'}{OPTION}"}


def require_disk_space(project: Path, needed_mib: int = FREE_MIB) -> None:
    """Raises ExctlError where the disk of the state's directory is as good as full: Pulumi would
    stop in the middle, with words that don't say why."""
    directory = backend.directory(project)
    if directory is None:
        return
    # The first run makes it.
    there = next(path for path in (directory, *directory.parents) if path.exists())
    free_mib = shutil.disk_usage(there).free / (1 << 20)
    if free_mib < needed_mib:
        raise ExctlError(
            f"{directory}, where Pulumi's state is, has {free_mib:.0f} MiB of disk space left, and"
            f" a run needs {needed_mib}. Free some, then run the same command again.",
            touched=False,
        )


def mend(project: Path) -> None:
    """Removes the empty files that killed runs and a full disk have left in the state's
    directory."""
    directory = backend.directory(project)
    if directory is None:
        return
    now = time.time()
    for place, pattern, seconds in (
        ("stacks", "*.attrs", 0.0),
        ("locks", "*.tmp", LOCK_WRITTEN_SECONDS),
    ):
        for found in (directory / ".pulumi" / place).rglob(pattern):
            with contextlib.suppress(OSError):  # another run's, or gone by now
                status = found.stat()
                if status.st_size == 0 and now - status.st_mtime >= seconds:
                    found.unlink()
