"""What goes with EXEC, as this clone last brought it: tells whether the run for it can be spared.

Whatever may change what such a run would do is in one hash, together with what Pulumi's state has
of it: a change from another clone shows there. Kept in `.exec`.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pulumi

from exctl import files
from exctl.cli.version import code_sha256
from exctl.errors import NothingTouched
from exctl.observe.watchers import Look, containers_of, containers_on
from exctl.pulumi import state
from exctl.pulumi.state import State
from exctl.rundir import run_directory
from exctl.site import Site, StackPlace, read_stack_file
from monitoring.placement import placement
from monitoring.program import Placement
from stack.loader import alertmanager_text
from stack.retention import retentions

SECRETS = ("grafanaPassword", "portainerPassword", "registryPassword", "shippingPassword")
SECTIONS = {"monitoring", "logging", "logs", "ssh", "registry", "gate"}


def digest(site: Site, known: State) -> str:
    """What changes with anything that a run for it would be made from; '' if that can't be told."""
    try:
        text = alertmanager_text(site.config, site.project)
        values, _ = read_stack_file(site.file)
    except (pulumi.RunError, NothingTouched):
        return ""
    placed = placement(site.config, site.layout, site.stack, text)
    rules = retentions(site.config, site.layout, site.stack)
    made_from: list[Any] = [
        None if placed is None else asdict(placed),
        [asdict(rule) for rule in rules],
        site.config.model_dump(mode="json", include=SECTIONS),
        {name: values.get(name, "") for name in SECRETS},  # as ciphertexts
        code_sha256(site.project),
        [[row.get(key) for key in ("urn", "id", "modified", "delete")] for row in _rows(known)],
        known.deployment.get("pending_operations"),
    ]
    return hashlib.sha256(json.dumps(made_from, default=str).encode()).hexdigest()


def is_current(
    site: Site, known: State, wanted: Placement | None, look: Look = containers_on
) -> bool:
    """Whether all of it is as this clone left it, and what is placed runs. False in any doubt.

    `look` says what a host has of it.
    """
    kept = _kept(site)
    return bool(kept) and kept == digest(site, known) and _runs(site, known, wanted, look)


def keep(site: Site, known: State) -> None:
    """Notes a run for it that has just ended well; `known` is the state that it left. A clone that
    can't be written to loses the note alone."""
    with contextlib.suppress(NothingTouched):
        files.write(_path(site), digest(site, known), 0o600)


def drop(site: StackPlace) -> None:
    """Forgets the last run: another one begins."""
    with contextlib.suppress(NothingTouched, OSError):
        _path(site).unlink(missing_ok=True)


def _runs(site: Site, known: State, wanted: Placement | None, look: Look) -> bool:
    if wanted is None:
        return not known.monitoring
    ids = {str(row["id"]) for row in _rows(known) if str(row["type"]).endswith(":Container")}
    running: set[str] = set()
    for found in containers_of(site, wanted.hosts, look).values():
        if isinstance(found, str):
            return False
        running |= {each.id for each in found if each.state.word == "running"}
    return ids == running


def _rows(known: State) -> list[Any]:
    return [row for row in known.rows if state.is_apart(row)]


def _kept(site: StackPlace) -> str:
    try:
        return _path(site).read_text("utf-8")
    except (OSError, UnicodeDecodeError, NothingTouched):
        return ""


def _path(site: StackPlace) -> Path:
    return run_directory(site.project) / f"{site.stack}.watchers.sha256"
