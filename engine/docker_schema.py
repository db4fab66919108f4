"""What pulumi-docker 5.1.0 knows of its resources: defaults, what replaces, what Docker fills in.

Proved by the golden cases 24 to 27.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from engine.provider import CheckFailure, Diff, DiffKind, PropertyDiff
from engine.values import UNKNOWN, Props, Value, contains_unknown

VERSION = "5.1.0"


@dataclass(frozen=True)
class Kind:
    """The rules of one type. `in_place`: what changes without a replacement. `computed`: what
    Docker fills in if it isn't given, so that its absence is no change."""

    defaults: Mapping[str, Any]
    allowed: frozenset[str]
    in_place: frozenset[str] = frozenset()
    computed: frozenset[str] = frozenset()
    ordered: frozenset[str] = frozenset()  # lists whose order matters
    maps: frozenset[str] = frozenset()  # objects with free keys
    nested_defaults: Mapping[str, Mapping[str, Any]] | None = None
    auto_named: bool = False


def words(text: str) -> frozenset[str]:
    """The set of the words."""
    return frozenset(text.split())


CONTAINER = Kind(
    defaults={
        "networkMode": "bridge",
        "mustRun": True,
        "start": True,
        "removeVolumes": True,
        "waitTimeout": 60,
        "containerReadRefreshTimeoutMilliseconds": 15000,
        "restart": "no",
    },
    allowed=words(
        "attach capabilities cgroupParent cgroupnsMode command "
        "containerReadRefreshTimeoutMilliseconds cpuPeriod cpuQuota cpuSet cpuShares cpus "
        "destroyGraceSeconds devices dns dnsOpts dnsSearches domainname entrypoints envs groupAdds "
        "healthcheck hostname hosts image init ipcMode labels logDriver logOpts logs "
        "maxRetryCount memory memoryReservation memorySwap mounts mustRun name networkMode "
        "networksAdvanced pidMode platform ports privileged publishAllPorts readOnly "
        "removeVolumes restart rm runtime securityOpts shmSize start stdinOpen stopSignal "
        "stopTimeout storageOpts sysctls tmpfs tty ulimits uploads user usernsMode volumes wait "
        "waitTimeout workingDir"
    ),
    in_place=words(
        "attach containerReadRefreshTimeoutMilliseconds cpuPeriod cpuQuota cpuSet cpuShares "
        "destroyGraceSeconds healthcheck init logs maxRetryCount memory memoryReservation "
        "memorySwap mustRun removeVolumes restart rm start tmpfs wait waitTimeout"
    ),
    computed=words(
        "command entrypoints envs hostname init ipcMode logDriver platform runtime securityOpts "
        "shmSize stopSignal stopTimeout user workingDir"
    ),
    ordered=words("command entrypoints ports"),
    maps=words("logOpts sysctls tmpfs storageOpts driverOptions"),
    nested_defaults={
        "ports": {"ip": "0.0.0.0", "protocol": "tcp"},
        "healthcheck": {
            "interval": "0s",
            "startInterval": "0s",
            "startPeriod": "0s",
            "timeout": "0s",
        },
    },
    auto_named=True,
)
IMAGE = Kind(
    defaults={},
    allowed=words("name keepLocally forceRemove platform pullTriggers triggers"),
    in_place=words("keepLocally forceRemove"),
    ordered=words("pullTriggers"),
    maps=words("triggers"),
)
NETWORK = Kind(
    defaults={"ipamDriver": "default"},
    allowed=words(
        "name driver options internal attachable ingress ipv6 labels ipamDriver ipamConfigs "
        "ipamOptions"
    ),
    computed=words("driver internal options ipamConfigs"),
    maps=words("options ipamOptions auxAddress"),
    auto_named=True,
)
VOLUME = Kind(
    defaults={},
    allowed=words("name driver driverOpts labels"),
    computed=words("driver"),
    maps=words("driverOpts"),
    auto_named=True,
)
DEFAULTS = "__defaults"
NOT_DONE = words("attach logs")  # they'd hold the run up, and show the container's output


def checked(kind: Kind, urn: str, olds: Props | None, news: Props) -> Props:
    """The inputs with their defaults, and at each level the list of what was filled in."""
    found = {key: _nested(kind, key, item) for key, item in news.items() if key != DEFAULTS}
    filled = [key for key in kind.defaults if key not in found]
    found |= {key: kind.defaults[key] for key in filled}
    if kind.auto_named and "name" not in found:
        auto = DEFAULTS in (olds or {}) and "name" in (olds or {}).get(DEFAULTS, ())
        kept = (olds or {}).get("name") if auto else None
        found["name"] = kept or f"{urn.split('::', 3)[-1]}-{secrets.token_hex(4)[:7]}"
        filled.append("name")
    return {DEFAULTS: sorted(filled), **found}


def _nested(kind: Kind, key: str, value: Value) -> Value:
    """A nested object with the defaults of its kind."""
    if isinstance(value, list):
        return [_nested(kind, key, item) for item in value]
    if not isinstance(value, dict) or key in kind.maps:
        return value
    defaults = (kind.nested_defaults or {}).get(key, {})
    given = {k: _nested(kind, k, v) for k, v in value.items() if k != DEFAULTS}
    filled = {k: v for k, v in defaults.items() if k not in given}
    return {DEFAULTS: sorted(filled), **given, **filled}


def refused(kind: Kind, news: Props) -> list[CheckFailure]:
    """What this engine doesn't do of what is asked."""
    return [
        CheckFailure(key, "this engine's docker provider doesn't support it; use the Pulumi CLI")
        for key in sorted(set(news) - (kind.allowed - NOT_DONE) - {DEFAULTS})
        if news[key] not in (None, [], {}, False, "")
    ]


def bare(value: Value) -> Value:
    """The value without what says nothing: empty entries and lists of defaults."""
    if isinstance(value, dict):
        inner = {k: bare(v) for k, v in value.items() if k != DEFAULTS}
        return {k: v for k, v in inner.items() if v is UNKNOWN or v not in (None, "", 0, [], {})}
    if isinstance(value, list):
        return [bare(item) for item in value]
    return value


def same(kind: Kind, key: str, old: Value, new: Value) -> bool:
    """True if a property hasn't changed; lists that are sets in Docker compare as sets."""
    if contains_unknown(new):
        return False
    before, after = bare(old), bare(new)
    if not before and not after:
        return True
    if isinstance(before, list) and isinstance(after, list) and key not in kind.ordered:
        return _sorted(before) == _sorted(after)
    return bool(before == after)


def _sorted(items: Iterable[Value]) -> list[str]:
    return sorted(repr(_ordered(item)) for item in items)


def _ordered(value: Value) -> Value:
    if isinstance(value, dict):
        return sorted((k, _ordered(v)) for k, v in value.items())
    return [_ordered(v) for v in value] if isinstance(value, list) else value


def compared(
    kind: Kind, old_outputs: Props, news: Props, *, delete_first: bool, ignored: Iterable[str] = ()
) -> Diff:
    """How new inputs differ from what is in the state."""
    detailed: dict[str, PropertyDiff] = {}
    skipped = {path.partition(".")[0].partition("[")[0] for path in ignored}
    for key in sorted(kind.allowed - skipped):
        old, new = old_outputs.get(key), news.get(key)
        if key in kind.computed and not new and new is not UNKNOWN:
            continue
        if same(kind, key, old, new):
            continue
        change = "delete" if not new and new is not UNKNOWN else "add" if not old else "update"
        if isinstance(old, bool) or isinstance(new, bool):
            change = "update"
        detailed[key] = PropertyDiff(_kind(change, key not in kind.in_place))
    if not detailed:
        return Diff("none", detailed={})
    replaces = [key for key in detailed if key not in kind.in_place]
    return Diff(
        "some",
        replaces=replaces,
        delete_before_replace=bool(replaces) and delete_first,
        diffs=list(detailed),
        detailed=detailed,
    )


def _kind(change: str, replaces: bool) -> DiffKind:
    kinds: dict[str, tuple[DiffKind, DiffKind]] = {
        "add": ("add", "add-replace"),
        "update": ("update", "update-replace"),
        "delete": ("delete", "delete-replace"),
    }
    return kinds[change][replaces]


def read_inputs(inputs: Props, actual: Mapping[str, Value]) -> Props:
    """The inputs as a refresh leaves them: what is different in reality takes its place, what is
    empty there goes, and so do empty lists of defaults (golden 24, 25)."""
    found: Props = {}
    for key, value in inputs.items():
        if key in actual and bare(actual[key]) != bare(value):
            value = actual[key]
            if not value:
                continue
        found[key] = _without_empty_defaults(value)
    if DEFAULTS in found:
        found[DEFAULTS] = [key for key in found[DEFAULTS] if key in found]
        if not found[DEFAULTS]:
            del found[DEFAULTS]
    return found


def _without_empty_defaults(value: Value) -> Value:
    if isinstance(value, list):
        return [_without_empty_defaults(item) for item in value]
    if isinstance(value, dict):
        return {
            k: _without_empty_defaults(v)
            for k, v in value.items()
            if not (k == DEFAULTS and v == [])
        }
    return value


def outputs_of(inputs: Props, nested: Mapping[str, Mapping[str, Any]]) -> Props:
    """The outputs that inputs alone give: no lists of defaults, every field of nested objects."""

    def full(key: str, value: Value) -> Value:
        if isinstance(value, list):
            return [full(key, item) for item in value]
        if isinstance(value, dict):
            given = {k: full(k, v) for k, v in value.items() if k != DEFAULTS}
            return {**nested.get(key, {}), **given}
        return value

    return {key: full(key, item) for key, item in inputs.items() if key != DEFAULTS}
