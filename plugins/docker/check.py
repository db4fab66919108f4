"""Inputs as a program gives them, to inputs as the state holds them: defaults, names, refusals."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from plugins.docker.fields import Field, Fields
from plugins.docker.values import UNKNOWN, Props, Value

DEFAULTS = "__defaults"
"""Beside the inputs of each object: the names of those that were filled in."""
_NOTHING: tuple[Any, ...] = (None, [], {}, False, "")


@dataclass(frozen=True)
class CheckFailure:
    """An input that is refused, and why; no property means the resource as a whole."""

    property: str
    reason: str


@dataclass
class Checked:
    """Inputs with their defaults, and what is refused of them."""

    inputs: Props
    failures: list[CheckFailure] = field(default_factory=list)


def checked(fields: Fields, news: Props) -> Checked:
    """The inputs as the official provider would note them. Nothing of the host is asked for."""
    found = Checked({})
    found.inputs = _object(fields, news, "", found.failures)
    return found


def name_automatically(inputs: Props, olds: Props | None, urn: str) -> None:
    """Give a resource without a name that of its row with 7 random hex digits; once given, it
    stays."""
    if "name" in inputs:
        return
    was_given = olds is not None and "name" in (olds.get(DEFAULTS) or ())
    logical = urn.split("::", 3)[-1]
    inputs["name"] = olds["name"] if olds and was_given else f"{logical}-{secrets.token_hex(4)[:7]}"
    inputs[DEFAULTS] = sorted([*inputs[DEFAULTS], "name"])


def _object(
    fields: Fields, news: Mapping[str, Any], path: str, failures: list[CheckFailure]
) -> Props:
    found: Props = {}
    for key, value in news.items():
        if key == DEFAULTS or value is None:
            continue
        where = f"{path}.{key}" if path else key
        if (known := fields.get(key)) is None or known.is_output:
            failures.append(CheckFailure(where, "is not a property of this resource"))
        elif known.is_supported or value in _NOTHING:
            found[key] = _value(known, value, where, failures)
        else:
            failures.append(
                CheckFailure(where, "is not supported by this docker plugin; leave it out")
            )
    filled = sorted(key for key, known in fields.items() if known.default and key not in found)
    found |= {key: fields[key].default for key in filled}
    failures += [
        CheckFailure(f"{path}.{key}" if path else key, "is required")
        for key, known in fields.items()
        if known.required and path and key not in found
    ]
    return {DEFAULTS: filled, **found}


def required(fields: Fields, inputs: Props) -> list[CheckFailure]:
    """What must be given of the resource itself; after its name has been found."""
    return [
        CheckFailure(key, "is required")
        for key, known in fields.items()
        if known.required and inputs.get(key) in (None, "")
    ]


def _value(known: Field, value: Value, path: str, failures: list[CheckFailure]) -> Value:
    if value is UNKNOWN:
        return value
    if known.is_many:
        if not isinstance(value, list):
            failures.append(CheckFailure(path, "must be a list"))
            return value
        item = Field("object", known.fields) if known.fields else Field("text")
        return [_value(item, one, f"{path}[{n}]", failures) for n, one in enumerate(value)]
    if known.kind in ("object", "map"):
        if not isinstance(value, dict):
            failures.append(CheckFailure(path, "must be an object"))
            return value
        if known.fields is not None:
            return _object(known.fields, value, path, failures)
        return {k: _scalar(Field("text"), v, f"{path}.{k}", failures) for k, v in value.items()}
    found = _scalar(known, value, path, failures)
    if known.refusal is not None and type(found) is _TYPES[known.kind]:
        reason = known.refusal(found)
        failures += [CheckFailure(path, reason)] if reason else []
    return found


_TYPES: dict[str, type] = {"text": str, "number": int, "flag": bool}


def _scalar(known: Field, value: Value, path: str, failures: list[CheckFailure]) -> Value:
    """The value in the property's own type, as the official provider reads it."""
    if value is UNKNOWN or type(value) is _TYPES[known.kind]:
        return value
    if known.kind == "text" and isinstance(value, bool):
        return "true" if value else "false"
    if known.kind == "text" and isinstance(value, int | float):
        return str(value)
    if known.kind == "number" and isinstance(value, str) and value.lstrip("-").isdigit():
        return int(value)
    if known.kind == "flag" and value in ("true", "false"):
        return value == "true"
    words = {"text": "a text", "number": "a whole number", "flag": "true or false"}
    failures.append(CheckFailure(path, f"must be {words[known.kind]}"))
    return value
