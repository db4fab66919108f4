"""Property values between Pulumi's wire and Python: plain JSON values, and UNKNOWN.

Secrets and references never get here: the provider doesn't announce that it takes them, so Pulumi
sends what is in them and marks the results again by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeAlias

from google.protobuf.struct_pb2 import ListValue, Struct
from google.protobuf.struct_pb2 import Value as WireValue

Value: TypeAlias = Any
Props: TypeAlias = dict[str, Any]


class Unknown:
    """The value of what isn't known before the update."""

    def __repr__(self) -> str:
        return "UNKNOWN"

    def __deepcopy__(self, _: object) -> Unknown:
        return self


UNKNOWN: Final = Unknown()
_UNKNOWN_TEXT = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
_UNKNOWN_TEXTS = frozenset(
    {
        _UNKNOWN_TEXT,
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
        "030794c1-ac77-496b-92df-f27374a8bd58",
        "e48ece36-62e2-4504-bad9-02848725956a",
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
    }
)
"""What stands for an unknown text, boolean, number, list, asset, archive and object.
Source: sdk/go/common/resource/plugin/rpc.go of Pulumi."""


def props_of(struct: Struct) -> Props:
    """The properties that a message holds."""
    return {key: _plain(item) for key, item in struct.fields.items()}


def _plain(value: WireValue) -> Value:
    kind = value.WhichOneof("kind")
    if kind == "struct_value":
        return props_of(value.struct_value)
    if kind == "list_value":
        many: ListValue = value.list_value
        return [_plain(item) for item in many.values]
    if kind == "string_value":
        return UNKNOWN if value.string_value in _UNKNOWN_TEXTS else value.string_value
    if kind == "number_value":
        number = value.number_value
        return int(number) if number.is_integer() else number
    return value.bool_value if kind == "bool_value" else None


def struct_of(props: Mapping[str, Value]) -> Struct:
    """The message that holds the properties."""
    struct = Struct()
    struct.update(wired(props))
    return struct


def wired(value: Value) -> Any:
    """The value as JSON data; a text stands for each UNKNOWN."""
    if isinstance(value, Mapping):
        return {key: wired(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [wired(item) for item in value]
    return _UNKNOWN_TEXT if value is UNKNOWN else value


def has_unknown(value: Value) -> bool:
    """True if anything in the value isn't known yet."""
    if isinstance(value, Mapping):
        return any(map(has_unknown, value.values()))
    if isinstance(value, list):
        return any(map(has_unknown, value))
    return value is UNKNOWN
