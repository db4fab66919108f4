"""Property values: what travels between program, engine, providers and state file.

A plain value is None, bool, int, float, str, list or dict with string keys; beside them stand the
kinds below. Integral numbers are held as int, as the state file prints them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, TypeAlias

# An object that stands for a value of a special kind says so under the key MARKER, on the wire and
# in the state file alike.
MARKER = "4dabf18193072939515e22adb298388d"
SECRET = "1b47061264138c4ac30d75fd1eb44270"
ASSET = "c44067f5952c0a294b673a41bacd8c17"
ARCHIVE = "0def7320c3a5731c473e5ecbe6d01bc7"
REFERENCE = "5cf8f73096256a8f31e491e813e4eb8e"
OUTPUT = "d0e6a833031e9bbcd3f4e8bde6ca49a4"
BYTES = "803fd3297a5875dc03ca845dda5d2a98"

Value: TypeAlias = Any
Props: TypeAlias = dict[str, Any]


class Unknown:
    """The one value of a property that isn't known before the update; it never reaches state."""

    _instance: Unknown | None = None

    def __new__(cls) -> Unknown:
        if cls._instance is None:
            cls._instance = super().__new__(cls)
        return cls._instance

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = Unknown()


@dataclass(frozen=True, repr=False)
class Secret:
    """A value that is encrypted in state and never displayed."""

    value: Value

    def __repr__(self) -> str:
        return "Secret([secret])"


@dataclass(frozen=True)
class Asset:
    """A text, a file or an address; two are equal if their hashes (hex sha256) are."""

    text: str | None = None
    path: str | None = None
    uri: str | None = None
    hash: str = ""


@dataclass(frozen=True)
class Archive:
    """A file, a directory, an address or a map of assets and archives; compared by hash."""

    assets: Mapping[str, Asset | Archive] | None = None
    path: str | None = None
    uri: str | None = None
    hash: str = ""


@dataclass(frozen=True)
class ResourceRef:
    """Another resource as a value; `id` is None for a component, UNKNOWN where not yet known."""

    urn: str
    id: Value = None
    package_version: str = ""


@dataclass(frozen=True)
class OutputValue:
    """A value with the URNs it depends on; `value` may be UNKNOWN."""

    value: Value
    secret: bool = False
    dependencies: tuple[str, ...] = ()


@dataclass(frozen=True)
class Bytes:
    """A byte string."""

    data: bytes


def number(value: float) -> int | float:
    """The same number as int if it is integral and short enough to be printed as one; above 2^53
    with zeros where the float has no digits, as the CLI prints it."""
    if value != value or abs(value) >= 1e21 or value != int(value):
        return value
    return int(value) if abs(value) < 2**53 else int(Decimal(repr(float(value))))


def deep_equals(a: Value, b: Value) -> bool:
    """True if both are the same value: a missing key is as null, a secret equals only a secret,
    an unknown nothing, an asset another of the same hash."""
    if a is UNKNOWN or b is UNKNOWN:
        return False
    if isinstance(a, dict) and isinstance(b, dict):
        return all(deep_equals(a.get(key), b.get(key)) for key in {*a, *b})
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(deep_equals, a, b))
    if isinstance(a, Secret) and isinstance(b, Secret):
        return deep_equals(a.value, b.value)
    if isinstance(a, OutputValue) and isinstance(b, OutputValue):
        return a.secret == b.secret and deep_equals(a.value, b.value)
    if isinstance(a, Asset | Archive) and type(a) is type(b) and a.hash and b.hash:
        return a.hash == b.hash
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    if isinstance(a, int | float) and isinstance(b, int | float):
        return a == b
    return type(a) is type(b) and a == b


def rebuild(value: Value, leaf: Callable[[Value], Value]) -> Value:
    """The same tree with every value that is neither list nor dict replaced by `leaf(value)`."""
    if isinstance(value, dict):
        return {key: rebuild(item, leaf) for key, item in value.items()}
    if isinstance(value, list):
        return [rebuild(item, leaf) for item in value]
    return leaf(value)


def unwrap_secrets(value: Value) -> Value:
    """The same tree without secret marks; an output value becomes what it holds."""

    def leaf(item: Value) -> Value:
        return unwrap_secrets(item.value) if isinstance(item, Secret | OutputValue) else item

    return rebuild(value, leaf)


def walk(value: Value) -> Iterator[Value]:
    """Every value in the tree, itself first, also inside secrets and archives."""
    yield value
    children: list[Value] = []
    if isinstance(value, dict):
        children = list(value.values())
    elif isinstance(value, list):
        children = value
    elif isinstance(value, Secret | OutputValue):
        children = [value.value]
    elif isinstance(value, Archive) and value.assets is not None:
        children = list(value.assets.values())
    for child in children:
        yield from walk(child)


def contains_unknown(value: Value) -> bool:
    """True if anything in the tree isn't known yet."""
    return any(
        item is UNKNOWN or (isinstance(item, ResourceRef) and item.id is UNKNOWN)
        for item in walk(value)
    )


def contains_secret(value: Value) -> bool:
    """True if anything in the tree is marked secret."""
    return any(
        isinstance(item, Secret) or (isinstance(item, OutputValue) and item.secret)
        for item in walk(value)
    )


Path: TypeAlias = tuple[str | int, ...]
_PART = re.compile(r'\.?([^.\[\]"]+)|\.?\[(\d+)\]|\.?\[\*\]|\.?\["((?:[^"\\]|\\.)*)"\]')


def parse_path(text: str) -> Path:
    """The keys of `a.b[0]["k.x"]`; `*` stands for any one key or index. ValueError if malformed."""
    parts: list[str | int] = []
    at = 0
    while at < len(text):
        match = _PART.match(text, at)
        if match is None:
            raise ValueError(f"malformed property path {text!r} at character {at + 1}")
        name, index, quoted = match.groups()
        if name is not None:
            parts.append(name)
        elif index is not None:
            parts.append(int(index))
        else:
            parts.append("*" if quoted is None else re.sub(r"\\(.)", r"\1", quoted))
        at = match.end()
    return tuple(parts)


def path_contains(prefix: Path, path: Path) -> bool:
    """True if `path` is `prefix` or lies below it; `*` in the prefix matches any one part."""
    return len(prefix) <= len(path) and all(
        mine in ("*", theirs) for mine, theirs in zip(prefix, path, strict=False)
    )


_MISSING: Final = object()


def _child(value: Value, part: str | int) -> Value:
    if isinstance(value, Secret | OutputValue):
        return _child(value.value, part)
    if isinstance(value, dict) and isinstance(part, str):
        return value.get(part, _MISSING)
    if isinstance(value, list) and isinstance(part, int) and 0 <= part < len(value):
        return value[part]
    return _MISSING


def reset_path(old: Value, new: Value, path: Path, sealed: bool = False) -> tuple[Value, bool]:
    """`new` with the place at `path` as it was in `old`, and whether that could be done.

    What is missing in `old` is deleted in `new`; arrays keep their length and no intermediate
    object is made: where that would be needed the answer is (new, False). What was inside a secret
    (`sealed`) is put back as one.
    """
    if not path:
        return new, False
    if isinstance(new, Secret):
        inner, done = reset_path(old.value if isinstance(old, Secret) else old, new.value, path)
        return Secret(inner), done
    if isinstance(old, Secret):
        return reset_path(old.value, new, path, True)
    part, rest = path[0], path[1:]
    if isinstance(old, list) and isinstance(new, list) and (part == "*" or isinstance(part, int)):
        return _reset_array(old, list(new), part, rest, sealed)
    if isinstance(part, int):
        return new, not isinstance(old, list) and not isinstance(new, list)
    if isinstance(new, dict) and (isinstance(old, dict) or (not rest and part != "*")):
        known: Props = old if isinstance(old, dict) else {}
        return _reset_object(known, dict(new), part, rest, sealed)
    if part == "*":
        return new, not rest and isinstance(new, dict | list)
    if not rest:
        return new, not (isinstance(old, dict) and part in old)
    return new, not isinstance(old, dict) and not isinstance(new, dict)


def _put_back(value: Value, sealed: bool) -> Value:
    return Secret(value) if sealed and not isinstance(value, Secret) else value


def _reset_object(
    old: Props, new: Props, part: str, rest: Path, sealed: bool
) -> tuple[Value, bool]:
    keys = [part]
    if part == "*":
        keys = list(old) if rest else list({**old, **new})
    for key in keys:
        if not rest:
            if key in old:
                new[key] = _put_back(old[key], sealed)
            else:
                new.pop(key, None)
        elif key in new:
            new[key], done = reset_path(old.get(key), new[key], rest, sealed)
            if not done:
                return new, False
        elif key in old:
            return new, False
    return new, True


def _reset_array(
    old: list[Value], new: list[Value], part: str | int, rest: Path, sealed: bool
) -> tuple[Value, bool]:
    shorter, longer = sorted((len(old), len(new)))
    for index in [part] if isinstance(part, int) else range(shorter):
        if index >= shorter:
            return new, not rest and index >= longer
        if not rest:
            new[index] = _put_back(old[index], sealed)
            continue
        new[index], done = reset_path(old[index], new[index], rest, sealed)
        if not done:
            return new, False
    return new, isinstance(part, int) or shorter == longer
