"""`--diff`: each change in full, property by property."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.display import Common
from engine.rows import STACK_TYPE
from engine.shown import WORDS, format_value, is_secret, short_type

_SHOWN = ("create", "update", "delete", "replace", "read", "refresh", "import", "discard")


class DiffView(Common):
    """A tree of the resources that change, with old and new values (golden 02, 03, 07)."""

    _depths: dict[str, int] | None = None

    def put(self, event: dict[str, Any]) -> None:
        """Show a step as it is planned."""
        self.note(event)
        # In a refresh the old and new state are known only afterwards.
        kind = "resOutputsEvent" if self.kind == "refresh" else "resourcePreEvent"
        if kind in event:
            self._step(event[kind]["metadata"])

    def _step(self, meta: Mapping[str, Any]) -> None:
        if self._depths is None:
            self._depths = {}
        state = meta.get("new") or meta.get("old") or {}
        depth = self._depths.get(state.get("parent") or "", -1) + 1
        self._depths[meta["urn"]] = depth
        op = meta["op"]
        wanted = op in _SHOWN or meta["type"] == STACK_TYPE or self.flags.get("show_sames")
        default = meta["type"].startswith("pulumi:providers:") and not state.get("parent")
        if not wanted or default:
            return
        lead = "    " * depth
        self._say(f"{lead}{WORDS[op][0]}{short_type(meta['type'])}: ({op})")
        if identifier := (meta.get("old") or {}).get("id"):
            self._say(f"{lead}    [id={identifier}]")
        self._say(f"{lead}    [urn={meta['urn']}]")
        for line in property_lines(meta):
            self._say(f"{lead}  {line}")

    def finish(self) -> None:
        """Print the end."""
        self.ending()


def property_lines(meta: Mapping[str, Any]) -> list[str]:
    """The properties of a step: `  name: "a"`, `~ value: "1" => "2"`."""
    op = meta["op"]
    if op == "same":
        return []
    before, after = (((meta.get(side) or {}).get("inputs")) or {} for side in ("old", "new"))
    if op == "refresh":
        before, after = (((meta.get(side) or {}).get("outputs")) or {} for side in ("old", "new"))
    keys = [k for k in sorted({*before, *after}) if not k.startswith("__")]
    width = max((len(k) for k in keys), default=0)
    lines: list[str] = []
    for key in keys:
        lines += _property(key.ljust(width), before.get(key), after.get(key), op)
    return lines


def _property(key: str, old: Any, new: Any, op: str) -> list[str]:
    if op in ("create", "delete", "read") or old == new:
        first, *rest = format_value(old if op == "delete" else new, "    ")
        return [f"  {key}: {first}", *rest]
    if old is None or new is None:
        sign, value = ("+", new) if old is None else ("-", old)
        first, *rest = format_value(value, "    ")
        return [f"{sign} {key}: {first}", *rest]
    if is_secret(old) or is_secret(new) or not isinstance(old, dict | list):
        first, *rest = format_value(new, "    ")
        return [f"~ {key}: {format_value(old, '    ')[0]} => {first}", *rest]
    lines = [f"~ {key}:"]
    for part in ("-", "+"):
        first, *rest = format_value(old if part == "-" else new, "    ")
        lines += [f"  {part} {first}", *rest]
    return lines
