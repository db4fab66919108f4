"""How new inputs differ from what the state holds, and what that takes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from plugins.docker.check import DEFAULTS
from plugins.docker.fields import Field, Fields
from plugins.docker.values import UNKNOWN, Props, Value, has_unknown

Change = Literal["add", "delete", "update"]


@dataclass(frozen=True)
class Diff:
    """What changes, property by property; `replaces`: those that can't be changed in place."""

    changes: Mapping[str, Change] = field(default_factory=dict)
    replaces: tuple[str, ...] = ()


def compared(fields: Fields, outputs: Props, news: Props, ignored: Iterable[str] = ()) -> Diff:
    """The differences between a row's outputs and new inputs. An unknown is a difference."""
    skipped = {path.partition(".")[0].partition("[")[0] for path in ignored}
    changes: dict[str, Change] = {}
    for key, known in sorted(fields.items()):
        old, new = outputs.get(key), news.get(key)
        if key in skipped or known.is_output or is_same(known, old, new):
            continue
        changes[key] = _change(old, new)
    return Diff(changes, tuple(key for key in changes if fields[key].replaces))


def _change(old: Value, new: Value) -> Change:
    if isinstance(old, bool) or isinstance(new, bool) or new is UNKNOWN:
        return "update"
    if not new:
        return "delete"
    return "update" if old else "add"


def is_same(known: Field, old: Value, new: Value) -> bool:
    """True if a property hasn't changed; sets in any order, empty as absent."""
    if has_unknown(new):
        return False
    if known.computed and not new and not isinstance(new, bool):
        return True
    before, after = _bare(known, old, new), _bare(known, new, new)
    return bool(before == after) or (not before and not after)


def _bare(known: Field, value: Value, wanted: Value) -> Value:
    """The value without what says nothing: empty entries, lists of defaults, the order of a set,
    what Docker chose because it wasn't `wanted`."""
    if isinstance(value, list):
        inner = Field("object", known.fields)
        pattern = _pattern(wanted)
        items = [_bare(inner, item, pattern) for item in value]
        # Docker sorts ports in its own way: their order says nothing either.
        return items if known.kind == "list" and not known.fields else sorted(items, key=repr)
    if isinstance(value, dict) and known.fields is not None:
        chosen = wanted if isinstance(wanted, dict) else {}
        return {
            key: bare
            for key, item in sorted(value.items())
            if key != DEFAULTS
            and key in known.fields
            and not (known.fields[key].computed and not chosen.get(key))
            and (bare := _bare(known.fields[key], item, chosen.get(key)))
        }
    if isinstance(value, dict):
        return dict(sorted(value.items()))
    return value


def _pattern(wanted: Value) -> Props:
    """Which fields the items of a wanted list name."""
    if not isinstance(wanted, list):
        return {}
    return {key: item for one in wanted if isinstance(one, dict) for key, item in one.items()}
