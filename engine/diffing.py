"""What a difference between wanted and recorded means: pure rules on a provider's answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from engine.provider import Diff, DiffKind, PropertyDiff
from engine.values import (
    Path,
    Props,
    Value,
    contains_unknown,
    deep_equals,
    parse_path,
    path_contains,
    reset_path,
    unwrap_secrets,
)

REPLACING: dict[DiffKind, DiffKind] = {
    "add": "add-replace",
    "delete": "delete-replace",
    "update": "update-replace",
}


def with_ignored(
    news: Props, olds: Mapping[str, Value], ignore_changes: Sequence[str]
) -> tuple[Props, list[str]]:
    """The new inputs with ignored places as they were (golden 16), and the paths for which that
    can't be done (an element of an array whose length changed)."""
    unreached = []
    for text in ignore_changes:
        news, done = reset_path(dict(olds), news, parse_path(text))
        if not done:
            unreached.append(text)
    return news, unreached


def compare_inputs(olds: Mapping[str, Value], news: Mapping[str, Value]) -> Diff:
    """The engine's own answer where a provider has none: some or none, never a replacement."""
    before, after = unwrap_secrets(dict(olds)), unwrap_secrets(dict(news))
    detailed: dict[str, PropertyDiff] = {}
    for key in sorted({*before, *after}):
        if not deep_equals(before.get(key), after.get(key)):
            kind: DiffKind = "update"
            if before.get(key) is None:
                kind = "add"
            elif after.get(key) is None:
                kind = "delete"
            detailed[key] = PropertyDiff(kind, True)
    if not detailed:
        return Diff("none")
    return Diff("some", diffs=list(detailed), detailed=detailed)


def _path_of(key: str) -> Path:
    try:
        return parse_path(key)
    except ValueError:
        return (key,)


def with_replace_on_changes(diff: Diff, patterns: Sequence[str], has_errors: bool) -> Diff:
    """The answer with every change below one of the paths turned into a replacement (`*`: any)."""
    if not patterns or (diff.changes != "some" and not has_errors):
        return diff
    prefixes = [parse_path(pattern) for pattern in patterns]

    def is_hit(key: str) -> bool:
        return any(path_contains(prefix, _path_of(key)) for prefix in prefixes)

    detailed = None
    if diff.detailed is not None:
        detailed = {
            key: replace(change, kind=REPLACING.get(change.kind, change.kind))
            if is_hit(key)
            else change
            for key, change in diff.detailed.items()
        }
    # Not what `detailed` alone names: that the kinds say there (seen on 3.260).
    replaces = list(dict.fromkeys([*diff.replaces, *filter(is_hit, diff.diffs)]))
    if has_errors and any(prefix in ((), ("*",), ("#initerror",)) for prefix in prefixes):
        replaces.append("#initerror")
    is_more = replaces != diff.replaces or detailed != diff.detailed
    return replace(
        diff,
        changes="some" if is_more else diff.changes,
        replaces=replaces,
        detailed=detailed,
    )


def triggered(old: Value, new: Value) -> bool:
    """True if a replacement trigger has changed; an unknown one counts as changed."""
    if old is None or new is None:
        return False
    if contains_unknown(new):
        return True
    return not deep_equals(unwrap_secrets(old), unwrap_secrets(new))
