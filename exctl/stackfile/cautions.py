"""What isn't wrong in a stack file but costs money, data or sleep: said, never refused. Pure.

Source: product facts 11 and 14.13; each sentence says what follows from the setting.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml
from pydantic import BaseModel

import vendor_facts as vendor
from config_schema import ExecConfig
from stack.loader import NAMESPACE

_WATCHED = {
    "tenant.id": "its objects are another tenant's for EXCS",
    "tenant.org_id": "everything is synced anew, into another EX organization",
    "excs.gc_queue_name_suffix": "EXCS makes new queues, and leaves the old ones",
    "excs.sync.customer_objects_only": "what is synced changes with it",
    "excs.sync.customer_folders": "what falls out of it may look like deleted in Genesys Cloud",
}
"""Settings whose change is worth a second look, and what follows. Source: product facts 2, 11."""


@dataclass(frozen=True)
class Setting:
    """A setting that isn't at its default."""

    path: str
    value: object
    default: object


def cautions(config: ExecConfig, released: str | None = None) -> list[str]:
    """All that is worth a warning; `released` is the stack file of the last release."""
    return [*_of_settings(config), *(_of_changes(config, released) if released else ())]


def _of_settings(config: ExecConfig) -> Iterator[str]:
    if not config.excs.sync.customer_objects_only:
        yield (
            "excs.sync.customer_objects_only is false: every person of the tenant is synced, and"
            " each of them whose calls are injected is billed for that month, logged in or not"
        )
    suffix = config.excs.gc_queue_name_suffix
    if suffix != vendor.QUEUE_NAME_SUFFIX:
        yield (
            f"excs.gc_queue_name_suffix is {suffix!r}, not the vendor's"
            f" {vendor.QUEUE_NAME_SUFFIX!r}; changing it later makes new queues"
        )
    logs = {"excs": config.excs.log, "exas": config.exas.log}
    logs |= {f"excp.pairs.{n}": pair.log for n, pair in config.excp.pairs.items()}
    for path, log in logs.items():
        if log.level == "trace":
            yield f"{path}.log.level is trace: it fills disks fast, and may log calls' data"
    if not config.redis.secure:
        yield (
            "redis.secure is false: who reaches Redis can read the OAuth client's secret, which"
            " EXCS keeps there"
        )
    tags = sorted({pair.tag for pair in config.excp.pairs.values()})
    if len(tags) > 1:
        yield f"the pairs run different versions of EXCP: {', '.join(tags)}"
    if config.stopped:
        yield f"stopped on purpose: {', '.join(config.stopped)}"
    for check, reason in config.preflight.waive.items():
        yield f"the check {check!r} is waived: {reason}"


def _of_changes(config: ExecConfig, released: str) -> Iterator[str]:
    was = yaml.safe_load(released).get("config") or {}
    for path, consequence in _WATCHED.items():
        section, *rest = path.split(".")
        before: Any = was.get(f"{NAMESPACE}:{section}")
        for part in rest:
            before = before.get(part) if isinstance(before, Mapping) else None
        now, default = _value(config, path), _default(config, path)
        if before is None:
            before = default
        if before != now:
            yield (
                f"{path} is {text_of(now)}, and was {text_of(before)} in the last release:"
                f" {consequence}"
            )


def text_of(value: object) -> str:
    """A setting's value, as a person reads it."""
    match value:
        case None:
            return "none"
        case bool():
            return "true" if value else "false"
        case list():
            return ", ".join(map(str, value)) or "none"
        case dict():
            return ", ".join(f"{key}: {item}" for key, item in value.items()) or "none"
    return str(value)


def _value(config: BaseModel, path: str) -> object:
    found: Any = config
    for part in path.split("."):
        found = getattr(found, part)
    return found


def _default(config: BaseModel, path: str) -> object:
    *parents, last = path.split(".")
    owner: Any = _value(config, ".".join(parents)) if parents else config
    return type(owner).model_fields[last].get_default(call_default_factory=True)


def differing(model: BaseModel, path: str = "") -> Iterator[Setting]:
    """Every setting that has a default and isn't at it, in the schema's order."""
    for name, known in type(model).model_fields.items():
        value = getattr(model, name)
        here = f"{path}.{name}" if path else name
        if isinstance(value, BaseModel):
            yield from differing(value, here)
        elif isinstance(value, dict) and all(isinstance(v, BaseModel) for v in value.values()):
            for key, item in value.items():
                yield from differing(item, f"{here}.{key}")
        elif not known.is_required():
            default = known.get_default(call_default_factory=True)
            if value != default:
                yield Setting(here, value, default)
