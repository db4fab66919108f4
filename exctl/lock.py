"""The lock that a run holds on its stack's state: whose it is, and whether that run lives."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from exctl.errors import NothingTouched
from exctl.site import Site


def backend_of(site: Site) -> Path | None:
    """The directory of the state; None if it isn't kept in files."""
    url = os.environ.get("PULUMI_BACKEND_URL")
    if url is None:
        project = yaml.safe_load((site.project / "Pulumi.yaml").read_text())
        url = str((project.get("backend") or {}).get("url") or "")
    if not url.startswith("file://"):
        return None
    parts = urlsplit(url)
    return (site.project / f"{parts.netloc}{parts.path}").resolve()


def held(site: Site) -> list[Path]:
    """The lock files of the stack."""
    backend = backend_of(site)
    if backend is None:
        raise NothingTouched(
            "this stack's state isn't kept in files; use `pulumi cancel`. Nothing was touched."
        )
    project = yaml.safe_load((site.project / "Pulumi.yaml").read_text())["name"]
    directory = backend / ".pulumi/locks/organization" / project / site.stack
    return sorted(directory.glob("*.json"))


def described(path: Path) -> str:
    """Who holds it, where, since when; and if it's a process of this host, whether it lives."""
    try:
        content: Mapping[str, Any] = json.loads(path.read_text())
    except (OSError, ValueError):
        return f"{path} can't be read"
    pid, host = content.get("pid"), content.get("hostname")
    who = f"{content.get('username')}@{host}, process {pid}, since {content.get('timestamp')}"
    if host != socket.gethostname():
        return f"{who}: on another host, look there whether it still runs"
    return f"{who}: {'STILL RUNS' if _lives(pid) else 'no longer runs'}"


def _lives(pid: object) -> bool:
    if not isinstance(pid, int):
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    status = Path(f"/proc/{pid}/status")  # one that nobody has collected yet still takes signals
    return not status.exists() or "\nState:\tZ" not in status.read_text()


def is_alive(path: Path) -> bool:
    """True if the holder is a process of this host that still runs."""
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError):
        return False
    return content.get("hostname") == socket.gethostname() and _lives(content.get("pid"))
