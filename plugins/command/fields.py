"""What each resource of the plugin takes, and what is wrong with what it got.

Source: the schema of pulumi-command 1.2.1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from plugins.command.values import MARKER, UNKNOWN, is_asset

LOCAL: Final = "command:local:Command"
REMOTE: Final = "command:remote:Command"
COPY: Final = "command:remote:CopyToRemote"

Failure = tuple[str, str]
"""A property's path, and the reason."""
Rule = Callable[[str, Any], Iterator[Failure]]


def _is(kind: type | tuple[type, ...], words: str) -> Rule:
    def check(path: str, value: Any) -> Iterator[Failure]:
        wrong = not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool)
        if value is not UNKNOWN and wrong:
            yield path, f"must be {words}"

    return check


def _list_of(rule: Rule) -> Rule:
    def check(path: str, value: Any) -> Iterator[Failure]:
        yield from _is(list, "a list")(path, value)
        for index, item in enumerate(value if isinstance(value, list) else ()):
            yield from rule(f"{path}[{index}]", item)

    return check


def _map_of(rule: Rule) -> Rule:
    def check(path: str, value: Any) -> Iterator[Failure]:
        yield from _is(dict, "a map")(path, value)
        for name, item in value.items() if isinstance(value, dict) else ():
            yield from rule(f"{path}.{name}", item)

    return check


def _one_of(*words: str) -> Rule:
    def check(path: str, value: Any) -> Iterator[Failure]:
        if value is not UNKNOWN and value not in words:
            yield path, f"must be one of {', '.join(words)}"

    return check


def _anything(*_: object) -> Iterator[Failure]:
    yield from ()


TEXT, NUMBER, YES_OR_NO = _is(str, "a string"), _is(int, "a whole number"), _is(bool, "a boolean")
BASTION: Mapping[str, Rule] = {
    "host": TEXT,
    "user": TEXT,
    "port": NUMBER,
    "password": TEXT,
    "privateKey": TEXT,
    "privateKeyPassword": TEXT,
    "agentSocketPath": TEXT,
    "dialErrorLimit": NUMBER,
    "perDialTimeout": NUMBER,
    "hostKey": TEXT,
}
DEFAULTS: Mapping[str, str | int] = {
    "user": "root",
    "port": 22,
    "dialErrorLimit": 10,
    "perDialTimeout": 15,
}
"""What a connection, and its proxy, has where nothing is given."""


def _known(rules: Mapping[str, Rule], path: str, given: Mapping[str, Any]) -> Iterator[Failure]:
    for name, value in given.items():
        full = f"{path}.{name}" if path else name
        if name in rules:
            if value is not None:
                yield from rules[name](full, value)
        elif not name.startswith("__"):  # what the CLI adds for itself
            yield full, f"is not a property of this resource; it has {', '.join(sorted(rules))}"


def _host(path: str, value: Any, rules: Mapping[str, Rule] = BASTION) -> Iterator[Failure]:
    if not isinstance(value, dict):
        yield from _is(dict, "a map")(path, value)
        return
    if value.get("host") in (None, ""):
        yield f"{path}.host", "is required"
    yield from _known(rules, path, value)


def _connection(path: str, value: Any) -> Iterator[Failure]:
    yield from _host(path, value, {**BASTION, "proxy": _host})


def _source(path: str, value: Any) -> Iterator[Failure]:
    if value is UNKNOWN:
        return
    if not is_asset(value):
        yield path, "must be an asset or an archive"
    elif "path" not in value and not ("text" in value and "assets" not in value):
        yield path, "must be a FileAsset, a StringAsset, or a FileArchive of a path"


_COMMAND: Mapping[str, Rule] = {
    "create": TEXT,
    "update": TEXT,
    "delete": TEXT,
    "stdin": TEXT,
    "environment": _map_of(TEXT),
    "triggers": _list_of(_anything),
    "logging": _one_of("stdout", "stderr", "stdoutAndStderr", "none"),
    "addPreviousOutputInEnv": YES_OR_NO,
}
_RULES: Mapping[str, Mapping[str, Rule]] = {
    LOCAL: {**_COMMAND, "dir": TEXT, "interpreter": _list_of(TEXT)},
    REMOTE: {**_COMMAND, "connection": _connection},
    COPY: {
        "connection": _connection,
        "source": _source,
        "remotePath": TEXT,
        "triggers": _list_of(_anything),
    },
}
_REQUIRED: Mapping[str, tuple[str, ...]] = {
    LOCAL: (),
    REMOTE: ("connection",),
    COPY: ("connection", "source", "remotePath"),
}
ELSEWHERE = frozenset({"assetPaths", "archivePaths"})
"""What the official plugin has and this one doesn't."""


def failures(kind: str, given: Mapping[str, Any]) -> list[Failure]:
    """What is wrong with the inputs of a resource of this kind."""
    if kind not in _RULES:
        return [("", f"the resource {kind} is not supported by this plugin: {_OFFICIAL}")]
    found = [(name, "is required") for name in _REQUIRED[kind] if given.get(name) is None]
    for path, reason in _known(_RULES[kind], "", given):
        if path in ELSEWHERE:
            reason = f"is not supported by this plugin: {_OFFICIAL}"
        found.append((path, reason))
    return found


_OFFICIAL = "use Pulumi's own pulumi-resource-command"


__all__ = ["COPY", "DEFAULTS", "LOCAL", "MARKER", "REMOTE", "Failure", "failures"]
