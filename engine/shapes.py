"""What a state file must look like before anything is made of it: a damaged one is told from a
sound one here, in one place, so that nothing after this has to look."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

from engine.rows import KEYS, Row, StateError

URN = re.compile(r"urn:pulumi:[^:]+::[^:]+::.+?::.+", re.DOTALL)
Check = Callable[[Any], bool]


def _is(kind: type | tuple[type, ...]) -> Check:
    return lambda value: isinstance(value, kind)


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _many(check: Check) -> Check:
    return lambda value: value is None or (isinstance(value, list) and all(map(check, value)))


def _named(check: Check) -> Check:
    return lambda value: isinstance(value, dict) and all(map(check, value.values()))


_ANY = _named(lambda _: True)
# By the type that Row gives an entry: what JSON may stand there, and how an error names it.
KINDS: dict[str, tuple[Check, str]] = {
    "str": (_is(str), "a text"),
    "bool": (_is(bool), "true or false"),
    "Sequence[str]": (_many(_is(str)), "a list of texts"),
    "Mapping[str, Value]": (_ANY, "an object"),
    "Mapping[str, Sequence[str]]": (_named(_many(_is(str))), "an object with lists of texts"),
    "Mapping[str, float]": (_named(_number), "an object with numbers"),
    "Sequence[Mapping[str, Any]]": (_many(_ANY), "a list of objects"),
    "Value": (lambda _: True, "a value"),
}
ROW = {KEYS[f.name]: KINDS[str(f.type)] for f in fields(Row)}
TOP = {
    "manifest": KINDS["Mapping[str, Value]"],
    "secrets_providers": KINDS["Mapping[str, Value]"],
    "resources": KINDS["Sequence[Mapping[str, Any]]"],
    "pending_operations": KINDS["Sequence[Mapping[str, Any]]"],
    "metadata": KINDS["Mapping[str, Value]"],
}


def check_deployment(data: Any, where: str) -> Mapping[str, Any]:
    """The `deployment` as given, if everything in it is of the kind it must be. StateError that
    names the place and the kind otherwise; entries that aren't known are left to who reads them."""
    found = an_object({} if data is None else data, where)
    _check(found, TOP, where)
    provider = found.get("secrets_providers") or {}
    _check(provider, {"type": KINDS["str"], "state": (_ANY, "an object")}, f"{where}: the provider")
    _check(found.get("manifest") or {}, {"version": KINDS["str"]}, f"{where}: the manifest")
    for index, row in enumerate(found.get("resources") or []):
        _check_row(row, f"{where}: resource {index}")
    for index, pending in enumerate(found.get("pending_operations") or []):
        place = f"{where}: pending operation {index}"
        if not isinstance(pending.get("type"), str):
            raise StateError(f"{place}: 'type' is missing")
        _check_row(an_object(pending.get("resource"), place), place)
    return found


def an_object(data: Any, where: str) -> dict[str, Any]:
    """The JSON object that must stand there. StateError for anything else."""
    if not isinstance(data, dict):
        raise StateError(f"{where}: an object is expected, found {_shown(data)}")
    return data


def _check(data: Mapping[str, Any], entries: Mapping[str, tuple[Check, str]], where: str) -> None:
    for key, (is_right, name) in entries.items():
        item = data.get(key)
        if item is not None and not is_right(item):
            raise StateError(f"{where}: {key!r} must be {name}, found {_shown(item)}")


def _check_row(row: Mapping[str, Any], where: str) -> None:
    urn = row.get("urn")
    if not isinstance(urn, str) or not URN.fullmatch(urn):
        raise StateError(f"{where}: {_shown(urn)} isn't a URN")
    if not isinstance(row.get("type"), str) or not isinstance(row.get("custom"), bool):
        raise StateError(f"{where} ({urn}): 'type' and 'custom' are missing")
    _check(row, ROW, f"{where} ({urn})")
    provider = row.get("provider")
    if provider and not URN.fullmatch(provider.rpartition("::")[0]):
        raise StateError(f"{where} ({urn}): {_shown(provider)} isn't a provider's URN and id")


def _shown(value: Any) -> str:
    """How an error names what it found: the kind alone, for it may hold secrets."""
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false"}
    return "nothing" if value is None else names.get(type(value), "a number")
