"""`--json`: `preview` as one object, the others as one event a line."""

from __future__ import annotations

import sys
import time
from typing import Any

from engine.codec import hide, row_to_json
from engine.eventlog import Numbered, is_internal, masked
from engine.rows import STACK_TYPE, Row
from engine.text import json_text
from engine.values import rebuild
from engine.wire import UNKNOWN_TEXT


class EventLines:
    """Each event as a line of JSON (`up --json` …)."""

    def __init__(self) -> None:
        self._numbered = Numbered()

    def put(self, event: dict[str, Any]) -> None:
        """Print it, unless it's of a default provider: that only takes its number."""
        if is_internal(event):
            self._numbered.skip()
            return
        sys.stdout.write(self._numbered.line(event) + "\n")
        sys.stdout.flush()

    def finish(self) -> None:
        """Everything has been printed."""


class PreviewDigest:
    """`preview --json`: what would be done, in one object (golden 02, 03, 04, 06, 24). The rows
    are as they are when a step begins: the new one has no id and no outputs yet."""

    def __init__(self, show_sames: bool) -> None:
        self._show_sames = show_sames
        self._started = time.monotonic_ns()
        self._config: dict[str, str] = {}
        self._steps: list[dict[str, Any]] = []
        self._refreshes: dict[str, int] = {}  # URN -> place among the steps
        self._diagnostics: list[dict[str, Any]] = []
        self._changes: dict[str, int] = {}

    def put(self, event: dict[str, Any]) -> None:
        """Note what belongs in the object."""
        if is_internal(event):
            return
        if "preludeEvent" in event:
            self._config = event["preludeEvent"]["config"]
        elif "resourcePreEvent" in event:
            self._step(event["resourcePreEvent"]["metadata"])
        elif "resOutputsEvent" in event:
            self._refreshed(event["resOutputsEvent"]["metadata"])
        elif "diagnosticEvent" in event:
            self._diagnostic(event["diagnosticEvent"])
        elif "summaryEvent" in event:
            self._changes = event["summaryEvent"].get("resourceChanges") or {}

    def _diagnostic(self, body: dict[str, Any]) -> None:
        if body["severity"] != "debug" and not body.get("ephemeral"):
            found = {"urn": body["urn"]} if body.get("urn") else {}
            message = body.get("prefix", "") + body["message"]
            self._diagnostics.append({**found, "message": message, "severity": body["severity"]})

    def _is_shown(self, meta: dict[str, Any]) -> bool:
        if meta["type"] == STACK_TYPE or self._show_sames:
            return True
        if meta["op"] != "same":
            return bool(meta.get("logical")) or "repl" not in meta["op"]
        old, new = meta.get("old") or {}, meta.get("new") or {}
        return old.get("protect") != new.get("protect")

    def _step(self, meta: dict[str, Any]) -> None:
        if not self._is_shown(meta):
            return
        if meta["op"] == "refresh":
            self._refreshes[meta["urn"]] = len(self._steps)
        else:
            self._refreshes.pop(meta["urn"], None)
        self._steps.append(self._described(meta))

    def _refreshed(self, meta: dict[str, Any]) -> None:
        """A refresh that found a change tells of that instead."""
        place = self._refreshes.get(meta["urn"])
        changed = meta["op"] == "update" and meta.get("detailedDiff") is not None
        if place is not None and (changed or meta["op"] == "delete"):
            self._steps[place] = self._described(meta)

    @staticmethod
    def _described(meta: dict[str, Any]) -> dict[str, Any]:
        op = meta["op"]
        step: dict[str, Any] = {"op": op, "urn": meta["urn"]}
        if meta.get("provider"):
            step["provider"] = meta["provider"]
        for side in ("old", "new"):
            if meta.get(side):
                step[f"{side}State"] = _state(meta, side)
        if meta.get("diffs"):
            step["diffReasons"] = meta["diffs"]
        if meta.get("keys"):
            step["replaceReasons"] = meta["keys"]
        step["detailedDiff"] = _detailed(meta.get("detailedDiff"))
        return step

    def finish(self) -> None:
        """Print the object."""
        found: dict[str, Any] = {}
        if self._config:
            found["config"] = self._config
        found["steps"] = self._steps
        if self._diagnostics:
            found["diagnostics"] = self._diagnostics
        found["duration"] = time.monotonic_ns() - self._started
        found["changeSummary"] = self._changes
        print(json_text(found, 4))


def _state(meta: dict[str, Any], side: str) -> Any:
    """A row as the state file has it, without its secrets."""
    row = meta.get(f"_{side}")
    if isinstance(row, Row):
        known = {n: _known(dict(getattr(row, n))) for n in ("inputs", "outputs")}
        from dataclasses import replace

        return row_to_json(replace(row, **known), hide)
    return masked({k: v for k, v in meta[side].items() if v or k == "urn"})


def _known(value: Any) -> Any:
    """The value with the CLI's word for what isn't known yet."""
    from engine.values import UNKNOWN, Secret

    def leaf(item: Any) -> Any:
        if item is UNKNOWN:
            return UNKNOWN_TEXT
        return Secret(_known(item.value)) if isinstance(item, Secret) else item

    return rebuild(value, leaf)


def _detailed(detailed: Any) -> Any:
    """The detailed diff with kinds as `preview --json` names them."""
    if detailed is None:
        return None
    return {
        path: {"kind": change["diffKind"], "inputDiff": change["inputDiff"]}
        for path, change in detailed.items()
    }
