"""Rows to the JSON of a state file and back, with secrets sealed or shown."""

from __future__ import annotations

import base64
import json
import math
import struct
from collections.abc import Callable, Mapping
from typing import Any
from weakref import WeakKeyDictionary

from engine.rows import ALWAYS, FIELDS, KEYS, VALUES, PendingOperation, Row, StateError
from engine.values import (
    ARCHIVE,
    ASSET,
    BYTES,
    MARKER,
    REFERENCE,
    SECRET,
    UNKNOWN,
    Archive,
    Asset,
    Bytes,
    OutputValue,
    ResourceRef,
    Secret,
    Value,
    number,
)

ODD_FLOAT = "8ad145fe-0d11-4827-bfd7-1abcbf086f5c"
HIDDEN = "[secret]"

Seal = Callable[[str, "Place"], Any]
Place = tuple[Any, ...]


def compact(value: Any) -> str:
    """JSON as the CLI writes it: no blanks, keys sorted, no escapes beyond what JSON demands."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def encode(value: Value, seal: Seal, place: Place = ()) -> Any:
    """`value` as JSON data; `seal(json text, place)` makes the stored form of a secret."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, dict):
        return {k: encode(value[k], seal, (*place, k)) for k in sorted(value)}
    if isinstance(value, list | tuple):
        return [encode(item, seal, (*place, i)) for i, item in enumerate(value)]
    if isinstance(value, Secret):
        return seal(compact(encode(value.value, _inner_seal, place)), place)
    if isinstance(value, OutputValue):
        inner: Value = Secret(value.value) if value.secret else value.value
        return encode(inner, seal, place)
    if value is UNKNOWN:
        raise StateError(f"a value that isn't known can't be stored: {_where(place)}")
    return _encode_special(value, seal, place)


def _encode_special(value: Value, seal: Seal, place: Place) -> Any:
    if isinstance(value, float):
        if math.isfinite(value):
            return number(value)
        return {MARKER: ODD_FLOAT, "value": struct.pack(">d", value).hex()}
    if isinstance(value, Asset):
        return _present(ASSET, hash=value.hash, text=value.text, path=value.path, uri=value.uri)
    if isinstance(value, Archive):
        assets = None
        if value.assets is not None:
            assets = encode(dict(value.assets), seal, place)
        return _present(ARCHIVE, hash=value.hash, assets=assets, path=value.path, uri=value.uri)
    if isinstance(value, ResourceRef):
        found = _present(REFERENCE, urn=value.urn, packageVersion=value.package_version or None)
        if value.id is not None:
            found["id"] = "" if value.id is UNKNOWN else value.id
        return found
    if isinstance(value, Bytes):
        return {MARKER: BYTES, "value": base64.b64encode(value.data).decode()}
    raise StateError(f"a value of kind {type(value).__name__} can't be stored: {_where(place)}")


def _present(kind: str, **keys: Any) -> dict[str, Any]:
    return {MARKER: kind, **{k: v for k, v in keys.items() if v is not None}}


def _where(place: Place) -> str:
    return "/".join(str(part) for part in place)


def _inner_seal(text: str, _place: Place) -> Any:
    """A secret inside a secret: marked, but encrypted once only (with what it lies in)."""
    return {MARKER: SECRET, "ciphertext": text}


def show(text: str, _place: Place) -> Any:
    """A secret as `stack export --show-secrets` gives it."""
    return {MARKER: SECRET, "plaintext": text}


def hide(_text: str, _place: Place) -> Any:
    """A secret as displays give it."""
    return HIDDEN


def decode(data: Any, open_: Callable[[str, Place], str], place: Place = ()) -> Value:
    """The value of JSON data; `open_(ciphertext, place)` gives a secret's JSON text."""
    if isinstance(data, list):
        return [decode(item, open_, (*place, i)) for i, item in enumerate(data)]
    if isinstance(data, float):
        return number(data)
    if not isinstance(data, dict):
        return data
    kind = data.get(MARKER)
    if kind is None:
        return {k: decode(v, open_, (*place, k)) for k, v in data.items()}
    if kind == SECRET:
        return _decode_secret(data, open_, place)
    if kind == ARCHIVE and data.get("assets") is not None:
        assets = {k: decode(v, open_, (*place, k)) for k, v in data["assets"].items()}
        return Archive(assets, hash=data.get("hash", ""))
    return _decode_special(str(kind), data, place)


def _decode_special(kind: str, data: dict[str, Any], place: Place) -> Value:
    if kind == ASSET:
        return Asset(data.get("text"), data.get("path"), data.get("uri"), data.get("hash", ""))
    if kind == ARCHIVE:
        return Archive(None, data.get("path"), data.get("uri"), data.get("hash", ""))
    if kind == REFERENCE:
        found = data.get("id")
        return ResourceRef(
            data["urn"], UNKNOWN if found == "" else found, data.get("packageVersion", "")
        )
    if kind == BYTES:
        return Bytes(base64.b64decode(data["value"]))
    if kind == ODD_FLOAT:
        return struct.unpack(">d", bytes.fromhex(data["value"]))[0]
    raise StateError(f"a value of an unknown kind ({kind}) at {_where(place)}")


def _decode_secret(data: dict[str, Any], open_: Callable[[str, Place], str], place: Place) -> Value:
    found = [data[key] for key in ("ciphertext", "plaintext") if key in data]
    if len(found) != 1 or not isinstance(found[0], str):
        raise StateError(f"malformed secret at {_where(place)}")
    text = data["plaintext"] if "plaintext" in data else open_(data["ciphertext"], place)
    return Secret(decode(json.loads(text), lambda inner, _place: inner, place))


class Codec:
    """Encodes rows for one state file. A secret that hasn't changed keeps its ciphertext, and a
    row that hasn't changed its text: the file is written after every step."""

    def __init__(self, encrypt: Callable[[str], str], decrypt: Callable[[str], str]) -> None:
        self._encrypt = encrypt
        self._decrypt = decrypt
        self._sealed: dict[Place, tuple[str, str]] = {}  # place -> JSON text, ciphertext
        self._texts: WeakKeyDictionary[Row, str] = WeakKeyDictionary()

    def text(self, row: Row) -> str:
        """The row's JSON text."""
        found = self._texts.get(row)
        if found is None:
            found = self._texts[row] = json.dumps(
                row_to_json(row, self._seal), ensure_ascii=False, separators=(",", ":")
            )
        return found

    def row(self, data: Mapping[str, Any]) -> Row:
        """The row that JSON data describe."""
        return row_from_json(data, self._open)

    def _seal(self, text: str, place: Place) -> Any:
        known = self._sealed.get(place)
        if known is None or known[0] != text:
            known = self._sealed[place] = (text, self._encrypt(text))
        return {MARKER: SECRET, "ciphertext": known[1]}

    def _open(self, ciphertext: str, place: Place) -> str:
        text = self._decrypt(ciphertext)
        self._sealed[place] = (compact(json.loads(text)), ciphertext)
        return text


def row_to_json(row: Row, seal: Seal) -> dict[str, Any]:
    """The row's object in the file; empty entries are left out, as the CLI does."""
    found: dict[str, Any] = {}
    for name, key in KEYS.items():
        value = getattr(row, name)
        if not value and key not in ALWAYS and not (name == "replacement_trigger" and value == 0):
            continue
        if name in VALUES:
            value = encode(value, seal, (row.urn, row.delete, name))
            if value is None:
                continue
        elif name == "property_dependencies":
            value = {k: list(value[k]) for k in sorted(value)}
        elif isinstance(value, tuple):
            value = list(value)
        found[key] = value
    return found


def row_from_json(data: Mapping[str, Any], open_: Callable[[str, Place], str]) -> Row:
    """The row of a file's object. StateError if it holds what this engine doesn't do."""
    unknown = sorted(set(data) - set(FIELDS))
    urn = data.get("urn", "?")
    if unknown:
        raise StateError(
            f"{urn}: the state holds {', '.join(unknown)}, which this engine doesn't support; "
            "use the Pulumi CLI for this stack"
        )
    values: dict[str, Any] = {}
    for key, item in data.items():
        name = FIELDS[key]
        if item is not None and name in VALUES:
            item = _decode_entry(item, open_, (urn, bool(data.get("delete")), name))
        if name == "property_dependencies":
            item = {k: urns or [] for k, urns in (item or {}).items()}
        if item is not None:
            values[name] = item
    return Row(**values)


def _decode_entry(data: Any, open_: Callable[[str, Place], str], place: Place) -> Value:
    """StateError for marked objects that aren't what their mark says."""
    try:
        return decode(data, open_, place)
    except (KeyError, TypeError, ValueError, AttributeError, struct.error, RecursionError):
        raise StateError(f"a damaged value in {_where(place)}") from None


def pending_from_json(data: Mapping[str, Any], codec: Codec) -> PendingOperation:
    """One entry of `pending_operations`."""
    return PendingOperation(codec.row(data["resource"]), str(data["type"]))
