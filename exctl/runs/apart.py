"""What the run for what goes with EXEC may touch: all, or what is on hosts that answer. Pure."""

from __future__ import annotations

from collections.abc import Collection

from exctl.pulumi.state import WATCHER, WATCHER_PROVIDER, State, name_of
from exctl.runs.scope import APART
from monitoring.program import Placement

COMPONENT, RETENTION = APART
ROLES = ("", "-image", "-data", "-settings")


def targets(wanted: Placement | None, known: State, silent: Collection[str]) -> list[str]:
    """Patterns of URNs: of a host that doesn't answer nothing is refreshed, changed or removed."""
    if not silent:
        return list(APART)
    placed = {program.key: program.host for program in (wanted.programs if wanted else ())}
    there = {key: host for host, keys in known.monitoring.items() for key in keys}
    at = [*placed.items(), *there.items()]
    gone = {name for key, host in at if host in silent for name in _names(key, host)}
    names = {
        "monitoring",
        *(name for key, host in at for name in _names(key, host)),
        *(name_of(row) for row in known.rows if COMPONENT.strip("*") in row["urn"]),
    }
    return [RETENTION, *(f"**::{name}" for name in sorted(names - gone))]


def _names(key: str, host: str) -> list[str]:
    return [f"{WATCHER_PROVIDER}{host}", *(f"{WATCHER}{key}{role}" for role in ROLES)]
