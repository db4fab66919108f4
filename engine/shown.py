"""How steps, resources and values are called and written in all that is printed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.codec import HIDDEN
from engine.eventlog import masked
from engine.values import MARKER, SECRET
from engine.wire import UNKNOWN_TEXT
from engine.yamltext import as_text

# op -> symbol, planned, going on, done
WORDS = {
    "same": ("  ", "", "", ""),
    "create": ("+ ", "create", "creating", "created"),
    "update": ("~ ", "update", "updating", "updated"),
    "delete": ("- ", "delete", "deleting", "deleted"),
    "replace": ("+-", "replace", "replacing", "replaced"),
    "create-replacement": (
        "++",
        "create replacement",
        "creating replacement",
        "created replacement",
    ),
    "delete-replaced": ("--", "delete original", "deleting original", "deleted original"),
    "read": ("> ", "read", "reading", "read"),
    "read-replacement": (">>", "read for replacement", "reading for replacement", "read"),
    "refresh": ("~ ", "refresh", "refreshing", "refresh"),
    "discard": ("< ", "discard", "discarding", "discarded"),
    "discard-replaced": ("<<", "discard original", "discarding original", "discarded original"),
    "import": ("= ", "import", "importing", "imported"),
    "remove-pending-replace": ("  ", "", "", ""),
}


def short_type(token: str) -> str:
    """`docker:index:Container` for `docker:index/container:Container`."""
    package, _, rest = token.partition(":")
    module, _, name = rest.rpartition(":")
    return f"{package}:{module.partition('/')[0]}:{name}" if module else token


def name_of(urn: str) -> str:
    """The resource's name."""
    return urn.split("::", 3)[-1]


def type_of(urn: str) -> str:
    """The resource's own type, as lists show it."""
    parts = urn.split("::", 3)
    return short_type(parts[2].rpartition("$")[2]) if len(parts) == 4 else ""


def changed_keys(meta: Mapping[str, Any]) -> list[str]:
    """`+a`, `-b`, `~c`: the top-level properties that a step changes."""
    old, new = (meta.get("old") or {}), (meta.get("new") or {})
    before, after = old.get("inputs") or {}, new.get("inputs") or {}
    if not old or not new or meta["op"] in ("delete", "same", "read"):
        return []
    detailed = meta.get("detailedDiff")
    named = [k for k in detailed or meta.get("diffs") or () if not k.startswith("__")]
    if not named:
        named = [k for k in {*before, *after} if before.get(k) != after.get(k)]
    found = []
    for key in {k.partition(".")[0].partition("[")[0] for k in named}:
        if not key.startswith("__"):
            sign = "+" if key not in before else "-" if key not in after else "~"
            found.append((sign, key))
    return [
        sign + key for sign, key in sorted(found, key=lambda pair: ("+-~".index(pair[0]), pair[1]))
    ]


def diff_note(meta: Mapping[str, Any]) -> str:
    """`[diff: ~value]`, or nothing."""
    groups: dict[str, list[str]] = {}
    for item in changed_keys(meta):
        groups.setdefault(item[0], []).append(item[1:])
    text = ",".join(sign + ",".join(keys) for sign, keys in groups.items())
    return f"[diff: {text}]" if text else ""


def is_secret(value: Any) -> bool:
    """True for a sealed secret in event data."""
    return isinstance(value, dict) and value.get(MARKER) == SECRET


def format_value(value: Any, indent: str) -> list[str]:
    """The lines of a value as outputs are shown; nested ones are indented below `indent`."""
    value = masked(value)
    if isinstance(value, dict):
        width = max((len(k) for k in value), default=0)
        lines = ["{"]
        for key, item in sorted(value.items()):
            first, *rest = format_value(item, indent + "    ")
            lines += [f"{indent}    {key.ljust(width)}: {first}", *rest]
        return [*lines, indent + "}"]
    if isinstance(value, list):
        lines = ["["]
        for index, item in enumerate(value):
            first, *rest = format_value(item, indent + "    ")
            lines += [f"{indent}    [{index}]: {first}", *rest]
        return [*lines, indent + "]"]
    return [scalar_text(value)]


def scalar_text(value: Any) -> str:
    """`"text"`, `3`, `true`, `<null>`, `[secret]`, `[unknown]`."""
    if value is None:
        return "<null>"
    if isinstance(value, str):
        if value == HIDDEN:
            return value
        if value == UNKNOWN_TEXT:
            return "[unknown]"
        return f'"{value}"'
    return as_text(value)
