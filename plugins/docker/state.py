"""Outputs as the official provider writes them, to the byte.

It is made from a Terraform provider, whose state knows nulls and empty values, and tells them apart
by what happened last: after a create a text list that nobody gave is null, after a refresh it's
empty. Source: the recordings; proved by going to and fro with the official plugin.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from plugins.docker.check import DEFAULTS
from plugins.docker.fields import Field, Fields
from plugins.docker.values import UNKNOWN, Props, Value, has_unknown

META = "__meta"
DELTA = "__pulumi_raw_state_delta"
_TIMEOUTS = "e2bfb730-ecaa-11e6-8f88-34363bc7c4c0"
_TWENTY_MINUTES = 20 * 60 * 10**9
"""In nanoseconds: how long Terraform lets an operation take unless told otherwise."""


def meta(schema_version: int = 0, *, with_timeouts: bool = False) -> str:
    """What the official provider notes of its own schema in `__meta`."""
    found: dict[str, Any] = {}
    if with_timeouts:
        found[_TIMEOUTS] = dict.fromkeys(("create", "delete", "update"), _TWENTY_MINUTES)
    if schema_version:
        found["schema_version"] = str(schema_version)
    return json.dumps(found, separators=(",", ":"))


def planned(fields: Fields, inputs: Props) -> Props:
    """The outputs of something that is to be made, as far as they are known before."""
    found = made(fields, inputs)
    for key, known in fields.items():
        if known.is_output or (known.computed and not inputs.get(key)):
            found[key] = UNKNOWN
    return found


def made(fields: Fields, inputs: Props) -> Props:
    """The outputs that follow from inputs alone right after a create."""
    return {key: _fresh(known, inputs.get(key)) for key, known in fields.items()}


def _fresh(known: Field, value: Value) -> Value:
    if value is None:
        if known.is_many and (known.fields is not None or known.computed):
            return []
        return None if known.default == "" else known.default
    return full(known, value, None)


def full(known: Field, value: Value, absent: Any) -> Value:
    """The value with every field of its objects; numbers and flags that aren't given are zero, or
    `absent` where they are to be null."""
    if value is UNKNOWN:
        return value
    if isinstance(value, list):
        inner = Field("object", known.fields)
        items = [full(inner, item, absent) for item in value]
        return sorted(items, key=_in_a_set) if known.kind == "set" else items
    if not isinstance(value, dict) or known.fields is None:
        return value
    return {
        key: _empty(inner, absent)
        if (item := value.get(key)) is None
        else full(inner, item, absent)
        for key, inner in known.fields.items()
    }


def _in_a_set(value: Value) -> str:
    """What Terraform orders the items of a set by: their values, in the order of their names.
    Source: cty's set_internals.go."""
    if isinstance(value, dict):
        return f"<{''.join(f'{_in_a_set(item)};' for _, item in sorted(value.items()))}>"
    if isinstance(value, list):
        return f"[{''.join(f'{_in_a_set(item)};' for item in value)}]"
    if value is None or isinstance(value, bool):
        return {None: "~", True: "T", False: "F"}[value]
    return f'"{value}"' if isinstance(value, str) else str(value)


def _empty(known: Field, absent: Any) -> Value:
    empties: dict[str, Any] = {"text": "", "list": [], "set": [], "object": None}
    if known.kind in empties:
        return empties[known.kind]
    if known.kind == "map":
        return absent if absent is None else {}
    zero = known.default if known.default is not None else _ZEROS[known.kind]
    return zero if known.default is not None or absent is not None else None


_ZEROS: dict[str, Any] = {"number": 0, "flag": False, "text": ""}


def settled(fields: Fields, outputs: Props) -> Props:
    """The outputs after a read or an update: no null where a zero says the same in an object."""
    return {
        **outputs,
        **{
            key: full(known, outputs[key], 0)
            for key, known in fields.items()
            if key in outputs and known.fields is not None and outputs[key] is not None
        },
    }


def refreshed(fields: Fields, outputs: Props) -> Props:
    """The outputs after a read: lists and maps of texts that were null are empty."""
    empties: dict[str, Any] = {"list": [], "set": [], "map": {}}
    found = settled(fields, outputs)
    for key, known in fields.items():
        if found.get(key) is None and known.fields is None and known.kind in empties:
            found[key] = empties[known.kind]
    return found


def updated(fields: Fields, outputs: Props, news: Props) -> Props:
    """The outputs after a change in place: what isn't given any more is zero."""
    found = settled(fields, outputs)
    for key, known in fields.items():
        if known.is_output or known.replaces:
            continue
        if (new := news.get(key)) is not None:
            found[key] = full(known, new, 0)
        elif found.get(key) and not known.computed:
            found[key] = _ZEROS.get(known.kind, [] if known.is_many else None)
            if known.default is not None:
                found[key] = known.default
    return found


def sealed(
    fields: Fields, outputs: Props, identifier: str, noted: str, *, is_new: bool = False
) -> Props:
    """The outputs with what the official provider adds for itself; `is_new`: right after a create,
    an object that Docker might have filled in and didn't is null to Terraform as well."""
    found = {**outputs, "id": identifier}
    if noted:
        found[META] = noted
    else:
        found.pop(META, None)
    found.pop(DELTA, None)
    if not has_unknown(found):
        told = {
            key: known
            for key, known in fields.items()
            if not (is_new and known.kind == "object" and known.computed and found[key] is None)
        }
        found[DELTA] = _of_object(told, found)
    return found


def _of_object(fields: Fields, value: Mapping[str, Any]) -> Props:
    """How Terraform's own form of an object is won back from ours."""
    inner = {
        key: delta
        for key, known in fields.items()
        if key in value and (delta := _delta(known, value[key])) is not None
    }
    renamed = {
        key: known.name
        for key, known in fields.items()
        if known.name and key in value and known.name != _snake(key)
    }
    found: Props = {}
    if inner:
        found["ps"] = inner
    if renamed:
        found["renamed"] = renamed
    return {"obj": found}


def _snake(key: str) -> str:
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", key).lower()


def _delta(known: Field, value: Value) -> Props | None:
    if known.kind == "object":
        fields = known.fields or {}
        return {"plu": {"i": _of_object(fields, value) if isinstance(value, dict) else {}}}
    if value is None:
        return None
    if known.kind == "map":
        return {"map": {}}
    if not known.is_many:
        return None
    if known.fields is None or not value:
        return {"arr": {}}
    return {"arr": {"el": {str(n): _of_object(known.fields, one) for n, one in enumerate(value)}}}


def inputs_after_read(inputs: Props, outputs: Props) -> Props:
    """The inputs as a refresh leaves them: what is different in reality takes its place, what is
    empty there goes, and so do empty lists of defaults."""
    found: Props = {}
    for key, value in inputs.items():
        if key != DEFAULTS and key in outputs and not _says_the_same(outputs[key], value):
            value = outputs[key]
            if not value and value is not False:
                continue
        found[key] = _without_empty_defaults(value)
    if DEFAULTS in found:
        kept = [
            key
            for key in found[DEFAULTS]
            if key in found and _says_the_same(found[key], inputs.get(key))
        ]
        found[DEFAULTS] = kept
        if not kept:
            del found[DEFAULTS]
    return found


def _says_the_same(output: Value, given: Value) -> bool:
    return bool(_bare(output) == _bare(given))


def _bare(value: Value) -> Value:
    if isinstance(value, dict):
        inner = {key: _bare(item) for key, item in value.items() if key != DEFAULTS}
        return {key: item for key, item in sorted(inner.items()) if item or item is UNKNOWN}
    if isinstance(value, list):
        return sorted(map(_bare, value), key=repr)
    return value


def _without_empty_defaults(value: Value) -> Value:
    if isinstance(value, list):
        return [_without_empty_defaults(item) for item in value]
    if isinstance(value, dict):
        return {
            key: _without_empty_defaults(item)
            for key, item in value.items()
            if not (key == DEFAULTS and item == [])
        }
    return value


def imported(fields: Fields, outputs: Props) -> Props:
    """The inputs that would make what was found: of an import, which has none."""
    given = {
        key: outputs[key]
        for key, known in fields.items()
        if not known.is_output
        and (known.required or not known.computed)
        and outputs.get(key) not in (None, [], {}, "", 0, False)
    }
    return {DEFAULTS: [], **given}
