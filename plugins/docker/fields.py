"""What a property of a resource is: its kind, what a change of it means, what may stand there."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

Kind = Literal["text", "number", "flag", "list", "set", "map", "object"]
Refusal: TypeAlias = Callable[[Any], str]
"""Why a value isn't allowed; empty if it is."""


@dataclass(frozen=True)
class Field:
    """One property. `fields`: of the objects in a list or set, or of the one object; None where
    they are plain texts.

    `replaces`: a change of it can't be done in place. `computed`: Docker fills it in if it isn't
    given, so that its absence is no change. `is_output`: Docker alone says it. `is_supported`:
    False for what the official provider has and this one refuses by name. `name`: what Terraform
    calls it where that isn't the same in snake case (the official provider is made from a
    Terraform one, and keeps a word of it in the state).
    """

    kind: Kind
    fields: Mapping[str, Field] | None = None
    default: Any = None
    required: bool = False
    replaces: bool = True
    computed: bool = False
    is_output: bool = False
    is_supported: bool = True
    name: str = ""
    refusal: Refusal | None = None

    @property
    def is_many(self) -> bool:
        """True for lists and sets."""
        return self.kind in ("list", "set")


Fields: TypeAlias = Mapping[str, Field]

TEXT, NUMBER, FLAG = Field("text"), Field("number"), Field("flag")
TEXTS, TEXT_SET, MAP = Field("list"), Field("set"), Field("map")


def set_of(fields: Fields, **more: Any) -> Field:
    """A set of objects."""
    return Field("set", fields, **more)


def list_of(fields: Fields, **more: Any) -> Field:
    """A list of objects."""
    return Field("list", fields, **more)


def one(fields: Fields, **more: Any) -> Field:
    """An object that is there once at most."""
    return Field("object", fields, **more)


def given(field: Field, **more: Any) -> Field:
    """The same kind of property with other rules."""
    return replace(field, **more)


def in_place(field: Field, **more: Any) -> Field:
    """The same, changed without a replacement."""
    return replace(field, replaces=False, **more)


def matches(pattern: str, words: str) -> Refusal:
    """Refuses a text that isn't of the pattern; `words` say what is allowed."""

    def refusal(value: Any) -> str:
        return "" if re.fullmatch(pattern, value) else f"is '{value}'; allowed: {words}"

    return refusal


def at_least(least: int) -> Refusal:
    """Refuses numbers below `least`."""

    def refusal(value: Any) -> str:
        return "" if value >= least else f"is {value}; allowed: {least} or more"

    return refusal


_DURATION = r"(\d+(\.\d+)?(ns|us|µs|ms|s|m|h))+|0"
DURATION = matches(_DURATION, "a duration like 30s or 1m30s")
_UNITS = {"h": 3600e9, "m": 60e9, "s": 1e9, "ms": 1e6, "us": 1e3, "µs": 1e3, "ns": 1}


def nanoseconds(text: str) -> int:
    """Of a duration as Go writes it: `1m30s`, `500ms`."""
    found = re.findall(r"(\d+(?:\.\d+)?)(ms|us|µs|ns|h|m|s)", text)
    return int(sum(float(number) * _UNITS[unit] for number, unit in found))
