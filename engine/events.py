"""Events as the CLI's event log has them; displays and the log itself only read these."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Mapping
from typing import Any

from engine.options import Emit
from engine.rows import STACK_TYPE, Row
from engine.steps import Step
from engine.wire import encode

STATUS_OK = 0  # nothing was tried
STATUS_FAILED = 2  # how the object is now isn't known: what the CLI says of each failed call


def state_json(row: Row | None, *, whole: bool = True) -> dict[str, Any] | None:
    """A row as events show it, secrets hidden; without what it holds if it isn't wanted whole."""
    if row is None:
        return None
    found: dict[str, Any] = {"type": row.type, "urn": row.urn}
    for key, on in (
        ("custom", row.custom),
        ("delete", row.delete),
        ("external", row.external),
    ):
        if on:
            found[key] = True
    found |= {
        "id": row.id,
        "parent": row.parent,
        "inputs": encode(dict(row.inputs), "hide") if whole else {},
        "outputs": encode(dict(row.outputs), "hide") if whole else {},
    }
    if row.protect:
        found["protect"] = True
    if row.retain_on_delete:
        found["retainOnDelete"] = True
    found["provider"] = row.provider
    if row.init_errors:
        found["initErrors"] = list(row.init_errors)
    return found


def metadata(step: Step, op: str, *, whole: bool = True) -> dict[str, Any]:
    """What an event says of a step."""
    either = step.new or step.old
    assert either is not None
    detailed = None
    if step.detailed is not None:
        detailed = {
            path: {"diffKind": change.kind, "inputDiff": change.input_diff}
            for path, change in step.detailed.items()
        }
    found: dict[str, Any] = {
        "op": op,
        "urn": step.urn,
        "type": either.type,
        "old": state_json(step.old, whole=whole),
        "new": state_json(step.new, whole=whole),
    }
    # For views in this process alone (`preview --json` shows whole rows); no sink writes them.
    found |= {"_old": step.old, "_new": step.new}
    if step.keys:
        found["keys"] = list(step.keys)
    if step.diffs:
        found["diffs"] = list(step.diffs)
    found["detailedDiff"] = detailed
    if step.logical:
        found["logical"] = True
    found["provider"] = either.provider
    return found


class Events:
    """Emits, and counts what was done. `planning` marks the events of previews. Unless `whole`,
    nobody looks into resources that stay the same (at 50 hosts a tenth of the time, Measured)."""

    def __init__(self, emit: Emit, preview: bool, refresh: bool, whole: bool) -> None:
        self._emit_raw = emit
        self._preview = preview
        self._refresh = refresh
        self._whole = whole
        self._lock = threading.Lock()
        self._started = time.monotonic()
        self.counts: Counter[str] = Counter()
        self.errors = 0

    def _emit(self, event: dict[str, Any]) -> None:
        with self._lock:
            self._emit_raw(event)

    def _step(self, kind: str, step: Step, op: str, **more: Any) -> None:
        row = step.new or step.old
        whole = self._whole or op != "same" or row is None or row.type == STACK_TYPE
        body: dict[str, Any] = {"metadata": metadata(step, op, whole=whole), **more}
        if self._preview:
            body["planning"] = True
        if step.is_internal:  # for the event log alone
            body["_internal"] = True
        self._emit({kind: body})

    def prelude(self, config: Mapping[str, str]) -> None:
        """The first event; secrets are already hidden."""
        self._emit({"preludeEvent": {"config": dict(config)}})

    def before(self, step: Step) -> None:
        """A step begins."""
        self._step("resourcePreEvent", step, step.op)

    def after(self, step: Step) -> None:
        """A step has been done: counted, and told unless it's a component's in an update."""
        op, counted = step.op, step.logical
        if op == "refresh" and self._refresh:
            op, counted = step.result_op, True  # golden 18
        if op == "read":
            counted = step.changed_outputs
        if counted and not step.is_internal:
            with self._lock:
                self.counts[op] += 1
        row = step.new or step.old
        shown = row is not None and (row.custom or step.op in ("delete", "refresh"))
        if self._preview or shown:
            self._step("resOutputsEvent", step, op)

    def outputs(self, step: Step) -> None:
        """A component has registered its outputs."""
        self._step("resOutputsEvent", step, step.op)

    def failed(self, step: Step, error: str, status: int = STATUS_FAILED) -> None:
        """A step has failed."""
        urn = "" if step.is_internal else step.urn
        if self._preview:
            self.error(f"Preview failed: {error}", urn)
            return
        self.error(error, urn)
        with self._lock:
            steps = sum(self.counts.values())
        self._step("resOpFailedEvent", step, step.op, status=status, steps=steps)

    def diagnostic(self, severity: str, message: str, urn: str = "", **more: Any) -> None:
        """A message for the operator; `severity` info, info#err, warning, error or debug."""
        body: dict[str, Any] = {"urn": urn} if urn else {}
        if severity in ("warning", "error"):
            body["prefix"] = f"{severity}: "
        text = message if message.endswith("\n") else message + "\n"
        body |= {"message": text, "color": "never", "severity": severity, **more}
        self._emit({"diagnosticEvent": body})

    def error(self, message: str, urn: str = "") -> None:
        """An error message; the operation fails."""
        self.errors += 1
        self.diagnostic("error", message, urn)

    def warning(self, message: str, urn: str = "") -> None:
        """A warning."""
        self.diagnostic("warning", message, urn)

    def summary(self, result: str) -> None:
        """The last two events."""
        body = {
            "maybeCorrupt": False,
            "durationSeconds": round(time.monotonic() - self._started),
            "resourceChanges": dict(sorted(self.counts.items())),
            "PolicyPacks": {},
            "isPreview": self._preview,
            "result": result,
        }
        self._emit({"summaryEvent": body})
        self._emit({"cancelEvent": {}})
