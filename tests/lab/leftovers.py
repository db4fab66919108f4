"""Removes the labs that an interrupted run of the stories left in this clone:

python -m tests.lab.leftovers
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from lab import settings
from lab.lab import Lab

LABS = settings.CLONE / ".lab"


def remove(directory: Path) -> None:
    """Remove the lab of this directory, if it has one."""
    state = directory / "state.json"
    if state.exists():
        found = json.loads(state.read_text())
        Lab(settings.plan(found["subnet"], found["pairs"]), directory).remove()
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    for name in ("test", *(path.name for path in LABS.glob("gw*"))):
        remove(LABS / name)
