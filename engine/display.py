"""What an operation prints: a pure consumer of its events, in the CLI's words."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TextIO

from engine.rows import STACK_TYPE
from engine.shown import WORDS, diff_note, format_value, name_of, type_of

if TYPE_CHECKING:
    from engine.backend import StackRef

# Kinds in the order of the summary, with the symbols of its lines.
COUNTED = ("create", "update", "delete", "replace", "read", "import", "discard")
TITLES = {
    ("update", True): "Previewing update",
    ("update", False): "Updating",
    ("preview", True): "Previewing update",
    ("refresh", True): "Previewing refresh",
    ("refresh", False): "Refreshing",
    ("destroy", True): "Previewing destroy",
    ("destroy", False): "Destroying",
}


class Common:
    """What every text view prints alike: title, diagnostics, outputs, counts."""

    def __init__(
        self, flags: Mapping[str, Any], ref: StackRef, kind: str, dry_run: bool, out: TextIO
    ) -> None:
        self.flags = flags
        self.kind = kind
        self.preview = dry_run
        self.out = out
        self.root_name = f"{ref.project}-{ref.name}"
        self.diagnostics: dict[str, list[tuple[str, str]]] = {}
        self.failed: set[str] = set()
        self.summary: dict[str, Any] = {}
        self.result = ""
        self.root: dict[str, Any] = {}
        self._say(f"{TITLES[(kind, dry_run)]} ({ref.name}):")

    def _say(self, text: str = "") -> None:
        self.out.write(text + "\n")
        self.out.flush()

    def note(self, event: Mapping[str, Any]) -> None:
        """Keep what is printed at the end."""
        if "diagnosticEvent" in event:
            body = event["diagnosticEvent"]
            if body["severity"] != "debug" and not body.get("ephemeral"):
                text = (body.get("prefix") or "") + body["message"].rstrip("\n")
                self.diagnostics.setdefault(body.get("urn") or "", []).append(
                    (body["severity"], text)
                )
        elif "summaryEvent" in event:
            self.summary = event["summaryEvent"]
            self.result = self.summary.get("result") or ""
        elif "resOpFailedEvent" in event:
            self.failed.add(event["resOpFailedEvent"]["metadata"]["urn"])
        elif "resOutputsEvent" in event:
            meta = event["resOutputsEvent"]["metadata"]
            if meta["type"] == STACK_TYPE:
                self.root = meta

    def ending(self) -> None:
        """Diagnostics, outputs, counts, duration."""
        self._diagnostics()
        if not self.flags.get("suppress_outputs"):
            self._outputs()
        self._counts()
        if not self.preview and self.summary:
            self._say(f"\nDuration: {max(1, self.summary.get('durationSeconds', 0))}s")
        self._say()

    def _diagnostics(self) -> None:
        shown = {
            urn: kept
            for urn, items in self.diagnostics.items()
            if (kept := [text for _, text in items if text.strip()])
        }
        if not shown:
            return
        self._say("Diagnostics:")
        for urn, texts in shown.items():
            kind = type_of(urn) or STACK_TYPE
            self._say(f"  {kind} ({name_of(urn) if urn else self.root_name}):")
            for text in texts:
                self._say("    " + text.replace("\n", "\n    "))
            self._say()

    def _outputs(self) -> None:
        if not self.root or self.kind == "destroy":
            return
        old = ((self.root.get("old") or {}).get("outputs")) or {}
        new = ((self.root.get("new") or {}).get("outputs")) or {}
        created = self.root["op"] == "create" or not self.root.get("old")
        if self.preview and old == new and not created:
            return
        keys = [k for k in sorted({*old, *new}) if old.get(k) is not None or new.get(k) is not None]
        if not keys:
            return
        self._say("Outputs:")
        width = max(len(k) for k in keys)
        changed = old != new and not created
        for key in keys:
            sign = " "
            if changed:
                sign = "+" if key not in old else "-" if key not in new else " "
                sign = "~" if sign == " " and old[key] != new[key] else sign
            self._output(sign, key.ljust(width), old.get(key), new.get(key))
        self._say()

    def _output(self, sign: str, key: str, old: Any, new: Any) -> None:
        lead = "    " if sign == " " else f"  {sign} "
        first, *rest = format_value(old if sign == "-" else new, "    ")
        if sign == "~" and not rest and not isinstance(old, dict | list):
            first = f"{format_value(old, '    ')[0]} => {first}"
        self._say(f"{lead}{key}: {first}")
        for line in rest:
            self._say(line)

    def _counts(self) -> None:
        counts = dict(self.summary.get("resourceChanges") or {})
        self._say("Resources:")
        kinds = 0
        changes = 0
        for op in COUNTED:
            if number := counts.get(op):
                kinds += 1
                changes += number
                symbol, planned, _, done = WORDS[op]
                self._say(f"    {symbol}{number} {'to ' + planned if self.preview else done}")
        same = counts.get("same", 0)
        parts = []
        if kinds > 1:
            parts.append(f"{changes} changes")
        if same:
            parts.append(f"{same} unchanged")
        if parts:
            self._say("    " + ". ".join(parts))
        if self.failed and not self.preview:
            self._say(f"    {len(self.failed)} errored")


class Lines(Common):
    """One line for each thing that happens."""

    def __init__(
        self, flags: Mapping[str, Any], ref: StackRef, kind: str, dry_run: bool, out: TextIO
    ) -> None:
        super().__init__(flags, ref, kind, dry_run, out)
        self._started: dict[str, float] = {}
        self._running: dict[str, dict[str, Any]] = {}
        self._root_line: dict[str, Any] = {}
        self._say()

    def put(self, event: dict[str, Any]) -> None:
        """Show the event if it's worth a line."""
        self.note(event)
        if "resourcePreEvent" in event:
            self._begins(event["resourcePreEvent"]["metadata"])
        elif "resOutputsEvent" in event:
            self._ends(event["resOutputsEvent"]["metadata"])
        elif "resOpFailedEvent" in event:
            meta = event["resOpFailedEvent"]["metadata"]
            self._running.pop(meta["urn"], None)
            going = WORDS[meta["op"]][2]
            self._line(meta, f"**{going + ' ' if going else ''}failed**")
        elif "diagnosticEvent" in event:
            self._message(event["diagnosticEvent"])

    def _hidden(self, meta: Mapping[str, Any]) -> bool:
        default = type_of(meta["urn"]).startswith("pulumi:providers:") and not (
            (meta.get("new") or meta.get("old") or {}).get("parent")
        )
        same = meta["op"] in ("same", "remove-pending-replace") and meta["type"] != STACK_TYPE
        return default or (same and not self.flags.get("show_sames"))

    def _line(self, meta: Mapping[str, Any], words: str) -> None:
        symbol = WORDS[meta["op"]][0]
        note = diff_note(meta)
        kind, name = type_of(meta["urn"]), name_of(meta["urn"])
        self._say(f" {symbol} {kind} {name} {words}{' ' + note if note else ''}".rstrip())

    def _begins(self, meta: dict[str, Any]) -> None:
        self._started[meta["urn"]] = time.monotonic()
        self._running[meta["urn"]] = meta
        root = meta["type"] == STACK_TYPE and meta["op"] != "delete"
        if not self._hidden(meta) and not self.preview and meta["op"] != "same" and not root:
            self._line(meta, f"{WORDS[meta['op']][2]} (0s)")

    def _ends(self, meta: dict[str, Any]) -> None:
        self._running.pop(meta["urn"], None)
        if meta["type"] == STACK_TYPE and meta["op"] != "delete":
            self._root_line = meta  # told once, at the end: it isn't over before
        elif not self._hidden(meta):
            self._ended(meta)

    def _ended(self, meta: dict[str, Any]) -> None:
        if meta["type"] == STACK_TYPE and meta["op"] != "delete" and self.result == "failed":
            self._line(meta, "**failed**")
        elif meta["op"] == "same":
            self._line(meta, "")
        elif self.preview:
            self._line(meta, WORDS[meta["op"]][1])
        else:
            seconds = time.monotonic() - self._started.get(meta["urn"], time.monotonic())
            self._line(meta, f"{WORDS[meta['op']][3]} ({seconds:.2f}s)")

    def _message(self, body: Mapping[str, Any]) -> None:
        """A message while its step runs: progress of a gate, or the first line of an error."""
        if body["severity"] == "debug" or self.flags.get("suppress_progress"):
            return
        urn = body.get("urn") or ""
        first = ((body.get("prefix") or "") + body["message"]).strip("\n").partition("\n")[0]
        if not first.strip():
            return
        meta = self._running.get(urn)
        if meta is None or meta["op"] == "same":
            self._say(f"    {type_of(urn) or STACK_TYPE} {name_of(urn) or self.root_name} {first}")
            return
        seconds = time.monotonic() - self._started[urn]
        symbol, planned, going, _ = WORDS[meta["op"]]
        words = planned if self.preview else f"{going} ({seconds:.0f}s)"
        self._say(f" {symbol} {type_of(urn)} {name_of(urn)} {words} {first}")

    def finish(self) -> None:
        """Print the end."""
        if self._root_line:
            self._ended(self._root_line)
        self.ending()
