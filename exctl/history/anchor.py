"""What this clone knows of its own records besides their file: an anchor that a cut end shows
against. In `.exec`, which git doesn't have: `clone` names the clone, `<stack>.audit.json` its last
record.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import secrets
import socket
from dataclasses import dataclass
from pathlib import Path

from exctl import files
from exctl.rundir import run_directory
from exctl.site import StackPlace

_MARK = re.compile(r" ?\(audit ([0-9a-f]{64})\)$")


@dataclass(frozen=True)
class Anchor:
    """`written` is the last record of this clone that is in the file for sure, `writing` one that
    a kill may have kept out of it; '' if there is none."""

    clone: str
    written: str = ""
    writing: str = ""


def read(place: StackPlace) -> Anchor:
    """This clone's anchor. Raises NothingTouched if `.exec` can't be made."""
    clone = _clone_of(place.project)
    with contextlib.suppress(OSError, ValueError, TypeError, AttributeError):
        content = json.loads(_path(place).read_text("utf-8"))
        if content.get("clone") == clone:
            return Anchor(clone, str(content["written"]), str(content["writing"]))
    return Anchor(clone)


def keep(place: StackPlace, anchor: Anchor) -> None:
    """Raises NothingTouched if there is no room for it."""
    files.write(_path(place), json.dumps(vars(anchor)))


def _path(place: StackPlace) -> Path:
    return run_directory(place.project) / f"{place.stack}.audit.json"


def _clone_of(project: Path) -> str:
    """The clone's name. A copy of the whole directory is another clone: place and machine count."""
    path = run_directory(project) / "clone"
    if not path.exists():
        files.write(path, secrets.token_hex(16))
    seed = files.read(path)
    where = f"{seed}:{socket.gethostname()}:{project.resolve()}"
    return hashlib.sha256(where.encode()).hexdigest()[:12]


def marked(message: str, record: str) -> str:
    """Pulumi's message of an update, with the hash of the record that its run began with."""
    return f"{message} (audit {record})".lstrip() if record else message


def mark_of(message: str) -> str:
    """That hash; '' if there is none."""
    found = _MARK.search(message)
    return found[1] if found else ""


def unmarked(message: str) -> str:
    """The message as the operator gave it."""
    return _MARK.sub("", message)
