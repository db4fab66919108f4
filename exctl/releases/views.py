"""Releases as an operator reads them: the list, one in full, what differs between two. Pure."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import yaml

from exctl.releases.store import Release
from health.gates.events import as_data
from stack.secrecy import redacted, redacted_text

CIPHERTEXT = re.compile(r"v1:[A-Za-z0-9+/=]+:[A-Za-z0-9+/=]+")
_KEY = re.compile(r"( *)(?:- )?([^\s#][^:]*(?::[^\s:][^:]*)?):(?: |$)")
SECRET, CHANGED = "[secret]", "[secret, changed]"


def listed(releases: Iterable[Release], now: str) -> list[str]:
    """A line each; * marks those that the stack file `now` is the same as."""
    lines = []
    for each in releases:
        why = f"  {each.message}" if each.message else ""
        mark = "*" if each.stack_file == now else " "
        lines.append(f"{each.number:4}{mark} {each.at}  {each.by}  {each.tags}{why}")
    return lines


def as_json(release: Release) -> dict[str, Any]:
    """A release for programs, without its stack file."""
    found = {name: value for name, value in asdict(release).items() if name != "stack_file"}
    return found | {"gates": release.reported, "events": [as_data(e) for e in release.events]}


def in_full(release: Release) -> list[str]:
    """All of one release, secrets as such."""
    stack_file = CIPHERTEXT.sub(SECRET, release.stack_file)
    return [
        f"release {release.number}",
        f"  when     {release.at}",
        f"  who      {release.by}",
        f"  why      {release.message or '(nothing was said)'}",
        f"  program  {release.program or '(not from git)'}",
        "images",
        *(f"  {n}  {i['tag']}  {i.get('digest', '')}" for n, i in release.images.items()),
        "gates",
        *(f"  {gate}" for gate in release.reported or ("(none had to wait)",)),
        "stack file",
        *(f"  {line}".rstrip() for line in redacted_text(stack_file).splitlines()),
    ]


def difference(old: Release, new: Release) -> list[str]:
    """What differs between two releases: images, then the stack file's lines, each group under
    the setting that it belongs to. A ciphertext says nothing; that it has changed does."""
    images = [
        f"{name}: {_image(old, name)} -> {_image(new, name)}"
        for name in {**old.images, **new.images}
        if old.images.get(name) != new.images.get(name)
    ]
    known = set(CIPHERTEXT.findall(old.stack_file))
    before = CIPHERTEXT.sub(SECRET, old.stack_file).splitlines()
    after = CIPHERTEXT.sub(
        lambda found: SECRET if found[0] in known else CHANGED, new.stack_file
    ).splitlines()
    diff = list(difflib.unified_diff(before, after, n=1, lineterm=""))[2:]
    if not images and not diff:
        return [f"releases {old.number} and {new.number} are the same"]
    return [*images, *_headed(diff, before, after)]


def difference_as_json(old: Release, new: Release) -> dict[str, Any]:
    """The same for programs: each image and each setting that differs, by name and by path, with
    what it was and what it is (null: it isn't there). Secrets are SECRET and CHANGED."""
    images = [
        {"name": name, "before": old.images.get(name), "after": new.images.get(name)}
        for name in {**old.images, **new.images}
        if old.images.get(name) != new.images.get(name)
    ]
    was, now = (dict(_settings(release)) for release in (old, new))
    settings = [
        {"path": path, "before": _as_shown(path, was), "after": _as_shown(path, now, was)}
        for path in {**was, **now}
        if was.get(path) != now.get(path)
    ]
    return {"from": old.number, "to": new.number, "images": images, "settings": settings}


def _settings(release: Release) -> Iterator[tuple[str, Any]]:
    """Path and value of each setting of its stack file; a list, and a secret with its ciphertext,
    is one value."""

    def below(path: str, value: Any) -> Iterator[tuple[str, Any]]:
        if not isinstance(value, Mapping) or not value or _is_secret(value):
            yield path, value
            return
        for name, inner in value.items():
            yield from below(f"{path}.{name}" if path else str(name), inner)

    yield from below("", (yaml.safe_load(release.stack_file) or {}).get("config") or {})


def _is_secret(value: object) -> bool:
    return isinstance(value, Mapping) and value.keys() == {"secure"}


def _as_shown(path: str, values: Mapping[str, Any], before: Mapping[str, Any] | None = None) -> Any:
    if path not in values:
        return None
    if _is_secret(values[path]):
        return CHANGED if before and path in before else SECRET
    *_, parent, name = ("", *path.split("."))
    return redacted({parent: {name: values[path]}})[parent][name]


def _headed(diff: Sequence[str], before: Sequence[str], after: Sequence[str]) -> Iterator[str]:
    """The diff, the line numbers of each group replaced by the path of its first changed line."""
    for index, line in enumerate(diff):
        found = re.match(r"@@ -(\d+)\S* \+(\d+)", line)
        if found is None:
            yield redacted_text(line)
            continue
        context = 0 if diff[index + 1][0] in "+-" else 1
        is_gone = diff[index + 1 + context].startswith("-")
        start = int(found[1] if is_gone else found[2])
        yield f"@@ {path_at(before if is_gone else after, start + context)}"


def path_at(lines: Sequence[str], number: int) -> str:
    """The sections that a line (the first is 1) is in, as `exec:excp.pairs.1`."""
    path: list[tuple[int, str]] = []
    for line in lines[:number]:
        found = _KEY.match(line)
        if found is None:
            continue
        depth = len(found[1])
        path = [each for each in path if each[0] < depth]
        path.append((depth, found[2].strip("\"' ")))
    return ".".join(name for _, name in path if name != "config")


def _image(release: Release, name: str) -> str:
    image = release.images.get(name)
    return f"{image['tag']} {image['digest'][:19]}" if image else "nothing"
