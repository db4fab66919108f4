"""Property values as plain Python: without secret marks, with one sign for what isn't known yet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from google.protobuf.struct_pb2 import Struct, Value
from pulumi.runtime import rpc

MARKER: Final = rpc._special_sig_key
ASSETS: Final = (rpc._special_asset_sig, rpc._special_archive_sig)


class Unknown:
    """The one value of what a preview doesn't know yet; equal to nothing but itself."""

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = Unknown()
_UNKNOWNS = frozenset(rpc.__dict__[name] for name in ("UNKNOWN",)) | frozenset(
    {
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
        "030794c1-ac77-496b-92df-f27374a8bd58",
        "e48ece36-62e2-4504-bad9-02848725956a",
    }
)
"""How Pulumi writes an unknown of each kind."""


def plain(properties: Struct) -> dict[str, Any]:
    """The properties that aren't null; an asset or archive stays the object that describes it."""
    found = {name: plain_value(value) for name, value in properties.fields.items()}
    return {name: value for name, value in found.items() if value is not None}


def plain_value(value: Value) -> Any:
    """One value; a whole number is an int."""
    kind = value.WhichOneof("kind")
    if kind == "struct_value":
        fields = value.struct_value.fields
        marker = fields[MARKER].string_value if MARKER in fields else ""
        if marker in (rpc._special_secret_sig, rpc._special_output_value_sig):
            return plain_value(fields["value"]) if "value" in fields else UNKNOWN
        return {name: plain_value(item) for name, item in fields.items()}
    if kind == "list_value":
        return [plain_value(item) for item in value.list_value.values]
    if kind == "string_value":
        return UNKNOWN if value.string_value in _UNKNOWNS else value.string_value
    if kind == "number_value":
        number = value.number_value
        return int(number) if number == int(number) else number
    return value.bool_value if kind == "bool_value" else None


def is_asset(value: Any) -> bool:
    """True for an asset or an archive."""
    return isinstance(value, Mapping) and value.get(MARKER) in ASSETS


def secret(value: Value) -> Value:
    """The value, marked as secret if it isn't yet."""
    fields = value.struct_value.fields
    if MARKER in fields and fields[MARKER].string_value == rpc._special_secret_sig:
        return value
    marked = Value()
    marked.struct_value.fields[MARKER].string_value = rpc._special_secret_sig
    marked.struct_value.fields["value"].CopyFrom(value)
    return marked


def differences(old: Any, new: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """The paths where the two differ, each with what is new there: "add", "delete", "update".

    An unknown differs from everything; of an asset its hash counts.
    """
    if isinstance(old, dict) and isinstance(new, dict):
        if is_asset(old) and is_asset(new):
            if any(old.get(key) != new.get(key) for key in (MARKER, "hash")):
                yield path, "update"
            return
        for name in sorted({*old, *new}):
            below = _below(path, name)
            yield from differences(old.get(name), new.get(name), below)
    elif isinstance(old, list) and isinstance(new, list):
        for index in range(max(len(old), len(new))):
            before, after = (row[index] if index < len(row) else None for row in (old, new))
            yield from differences(before, after, f"{path}[{index}]")
    elif new is UNKNOWN or old != new or isinstance(old, bool) is not isinstance(new, bool):
        yield path, "add" if old is None else "delete" if new is None else "update"


def _below(path: str, name: str) -> str:
    if not name.replace("_", "").isalnum():
        quoted = name.replace("\\", "\\\\").replace('"', '\\"')
        return f'{path}["{quoted}"]'
    return f"{path}.{name}" if path else name
