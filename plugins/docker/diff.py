"""How new inputs differ from what the state holds, and what that takes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from plugins.docker.fields import DURATION, Field, Fields, nanoseconds
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
    before, after = _bare(known, old), _bare(known, new)
    if known.fields is not None and isinstance(before, list) and isinstance(after, list):
        return _are_the_same(known.fields, before, after)
    return bool(before == after) or (not before and not after)


def _are_the_same(fields: Fields, before: list[Props], after: list[Props]) -> bool:
    """True if each new object has an old one; what Docker chose where nothing was asked for, like
    a port's number on the host, is no difference. Docker sorts ports in its own way: no order of
    objects says anything."""
    left = list(before)
    for item in after:
        chosen = [key for key, known in fields.items() if known.computed and key not in item]
        for one in left:
            if {key: value for key, value in one.items() if key not in chosen} == item:
                left.remove(one)
                break
        else:
            return False
    return not left


def _bare(known: Field, value: Value) -> Value:
    """The value without what says nothing: empty entries, lists of defaults, the order of a
    set."""
    if isinstance(value, list):
        inner = Field("object", known.fields)
        items = [_bare(inner, item) for item in value]
        return sorted(items, key=repr) if known.kind == "set" else items
    if isinstance(value, dict) and known.fields is not None:
        return {
            key: bare
            for key, item in sorted(value.items())
            if key in known.fields and (bare := _bare(known.fields[key], item))
        }
    if isinstance(value, dict):
        return dict(sorted(value.items()))
    return nanoseconds(value) if known.refusal is DURATION and value else value
