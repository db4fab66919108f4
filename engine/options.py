"""What an operation is asked to do, and what came of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from engine.backend import StackRef
from engine.program import Runner
from engine.project import Project
from engine.rows import Snapshot
from engine.stackfile import ConfigValue
from engine.state import SnapshotManager
from engine.values import Value

Kind = Literal["preview", "update", "refresh", "destroy"]
Result = Literal["succeeded", "failed", "cancelled"]
Emit = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class Options:
    """How an operation is done. Targets are URNs, in which `*` matches all but a colon and `**`
    anything; `parallel` is how many provider calls may be under way."""

    parallel: int = 4 * (os.cpu_count() or 1)
    targets: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()
    target_dependents: bool = False
    replace: tuple[str, ...] = ()
    refresh: bool = False  # look at reality first (`up --refresh`)
    continue_on_error: bool = False
    clear_pending_creates: bool = False  # refresh: forget creates that a killed run left open


@dataclass(frozen=True)
class Operation:
    """One run of the engine.

    `dry_run` gives the preview of a refresh or destroy (kind "preview" is that of an update).
    `manager` is None exactly in previews. `runner` may have been started before (it is closed at
    the end); `state_of` gives another stack's outputs for StackReference.
    """

    kind: Kind
    project: Project
    stack: StackRef
    config: Mapping[str, ConfigValue]
    snapshot: Snapshot
    manager: SnapshotManager | None
    emit: Emit
    options: Options = field(default_factory=Options)
    dry_run: bool = False
    only_looks: bool = False  # a preview that nothing follows: idle hosts aren't logged in at
    runner: Runner | None = None
    state_of: Callable[[str], Mapping[str, Value]] | None = None
    whole_events: bool = True  # somebody wants to know all of what stays the same

    @property
    def is_preview(self) -> bool:
        """True if nothing is changed, neither outside nor in the state."""
        return self.kind == "preview" or self.dry_run


@dataclass(frozen=True)
class Outcome:
    """How it ended; `changes` counts the operations (`create`, `same` …); `message` says why it
    failed, beyond what the events told, or is empty."""

    result: Result
    changes: Mapping[str, int]
    message: str = ""

    @property
    def has_changes(self) -> bool:
        """True if anything but `same` was counted (`--expect-no-changes`, golden 19)."""
        return any(count and op not in ("same", "read") for op, count in self.changes.items())
