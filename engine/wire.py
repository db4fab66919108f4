"""Property values on the wire: google.protobuf.Struct with marked objects for special kinds."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any, Literal

from google.protobuf.struct_pb2 import NULL_VALUE, ListValue, Struct
from google.protobuf.struct_pb2 import Value as WireValue

from engine.values import (
    ARCHIVE,
    ASSET,
    BYTES,
    MARKER,
    OUTPUT,
    REFERENCE,
    SECRET,
    UNKNOWN,
    Archive,
    Asset,
    Bytes,
    OutputValue,
    Props,
    ResourceRef,
    Secret,
    Value,
    number,
)

UNKNOWN_TEXT = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
UNKNOWN_TEXTS = frozenset(
    {
        UNKNOWN_TEXT,
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
        "030794c1-ac77-496b-92df-f27374a8bd58",
        "e48ece36-62e2-4504-bad9-02848725956a",
    }
)

Secrets = Literal["keep", "strip", "hide"]


def encode(value: Value, secrets: Secrets = "keep", references: bool = True) -> Any:
    """The value as plain JSON data with marked objects.

    `secrets`: keep them marked, strip the mark, or hide the content (for events and displays).
    `references=False` gives a resource's id in its place, or its URN if it has none.
    """
    if isinstance(value, Mapping):
        return {key: encode(item, secrets, references) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [encode(item, secrets, references) for item in value]
    if isinstance(value, Secret):
        if secrets == "hide":
            return {MARKER: SECRET, "ciphertext": "[secret]"}
        inner = encode(value.value, secrets, references)
        return inner if secrets == "strip" else {MARKER: SECRET, "value": inner}
    if isinstance(value, OutputValue):
        inner = Secret(value.value) if value.secret else value.value
        return encode(inner, secrets, references)
    if isinstance(value, ResourceRef):
        return _encode_reference(value, references)
    return UNKNOWN_TEXT if value is UNKNOWN else _encode_leaf(value, secrets, references)


def _encode_leaf(value: Value, secrets: Secrets, references: bool) -> Any:
    if isinstance(value, Asset):
        return _marked(ASSET, text=value.text, path=value.path, uri=value.uri, hash=value.hash)
    if isinstance(value, Archive):
        assets = value.assets and encode(dict(value.assets), secrets, references)
        return _marked(ARCHIVE, assets=assets, path=value.path, uri=value.uri, hash=value.hash)
    if isinstance(value, Bytes):
        return {MARKER: BYTES, "value": base64.b64encode(value.data).decode()}
    return value


def _marked(kind: str, **keys: Any) -> dict[str, Any]:
    return {MARKER: kind, **{key: item for key, item in keys.items() if item is not None}}


def _encode_reference(value: ResourceRef, references: bool) -> Any:
    identifier = UNKNOWN_TEXT if value.id is UNKNOWN else value.id
    if not references:
        return value.urn if identifier is None else identifier
    if value.id is UNKNOWN:
        identifier = ""
    return _marked(
        REFERENCE, urn=value.urn, id=identifier, packageVersion=value.package_version or None
    )


def decode(data: Any) -> Value:
    """The value of JSON data with marked objects; unknowns of every kind become UNKNOWN."""
    if isinstance(data, str):
        return UNKNOWN if data in UNKNOWN_TEXTS else data
    if isinstance(data, bool):
        return data
    if isinstance(data, float):
        return number(data)
    if isinstance(data, list):
        return [decode(item) for item in data]
    if isinstance(data, dict):
        kind = data.get(MARKER)
        if isinstance(kind, str):
            return _decode_marked(kind, data)
        return {key: decode(item) for key, item in data.items()}
    return data


def _decode_marked(kind: str, data: dict[str, Any]) -> Value:
    if kind == SECRET:
        inner = decode(data.get("value"))
        return inner if isinstance(inner, Secret) else Secret(inner)
    if kind == OUTPUT:
        content = decode(data["value"]) if "value" in data else UNKNOWN
        return Secret(content) if data.get("secret") else content
    if kind == ASSET:
        return Asset(data.get("text"), data.get("path"), data.get("uri"), data.get("hash", ""))
    if kind == ARCHIVE:
        assets = decode(data["assets"]) if data.get("assets") is not None else None
        return Archive(assets, data.get("path"), data.get("uri"), data.get("hash", ""))
    if kind == REFERENCE:
        identifier = UNKNOWN if data.get("id") == "" else decode(data.get("id"))
        return ResourceRef(data["urn"], identifier, data.get("packageVersion", ""))
    if kind == BYTES:
        return Bytes(base64.b64decode(data["value"]))
    raise ValueError(f"a value of the unknown kind {kind} was sent")


def to_struct(props: Mapping[str, Value], secrets: Secrets, references: bool) -> Struct:
    """The properties as a Struct."""
    struct = Struct()
    _fill_struct(struct, encode(props, secrets, references))
    return struct


def _fill_struct(struct: Struct, data: dict[str, Any]) -> None:
    for key, item in data.items():
        _fill(struct.fields[key], item)


def _fill(target: WireValue, data: Any) -> None:
    if data is None:
        target.null_value = NULL_VALUE
    elif isinstance(data, bool):
        target.bool_value = data
    elif isinstance(data, str):
        target.string_value = data
    elif isinstance(data, int | float):
        target.number_value = data
    elif isinstance(data, dict):
        target.struct_value.SetInParent()
        _fill_struct(target.struct_value, data)
    else:
        target.list_value.SetInParent()
        for item in data:
            _fill(target.list_value.values.add(), item)


def from_struct(struct: Struct) -> Props:
    """The properties a Struct holds."""
    return {key: decode(_plain(item)) for key, item in struct.fields.items()}


def from_value(value: WireValue) -> Value:
    """The one value that a wire value holds; None if it holds nothing."""
    return decode(_plain(value))


def _plain(value: WireValue) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "struct_value":
        return {key: _plain(item) for key, item in value.struct_value.fields.items()}
    if kind == "list_value":
        many: ListValue = value.list_value
        return [_plain(item) for item in many.values]
    if kind is None or kind == "null_value":
        return None
    return getattr(value, kind)
