"""The vendor's `.env`: read into a stack file's settings, and written back from them. Pure.

Every key of the vendor's Parameters tables has its place in a stack file (vendor_facts); a key that
none of them knows is reported, never dropped in silence.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import vendor_facts as vendor
from config_schema import ExecConfig
from layout import value_at

_PAIR_KEY = re.compile(r"^EXCP_(\d+)_(.+)$")
_LISTS = ("hosts", "vq", "agent", "call", "customer_folders")
_TEXTS = ("org_id", "id", "tag", "user", "name", "filename")


@dataclass
class Imported:
    """What a `.env` says: settings by section, secrets by name, and what is to be looked at."""

    settings: dict[str, Any] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def parse(text: str) -> tuple[dict[str, str], list[str]]:
    """Key → value, and the lines that aren't of that form. Quotes are taken off, `export` too."""
    found: dict[str, str] = {}
    odd: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        bare = line.strip().removeprefix("export ").strip()
        if not bare or bare.startswith("#"):
            continue
        key, equals, value = bare.partition("=")
        if not equals or not re.fullmatch(r"[A-Za-z_]\w*", key.strip()):
            odd.append(f"line {number} isn't KEY=VALUE and was left out")
            continue
        found[key.strip()] = _unquoted(value.strip())
    return found, odd


def _unquoted(value: str) -> str:
    if value[:1] in ("'", '"') and value[-1:] == value[:1] and len(value) > 1:
        return value[1:-1]
    return value.partition(" #")[0].rstrip()


def imported(text: str) -> Imported:
    """The settings and secrets of a `.env`."""
    values, odd = parse(text)
    found = Imported(notes=odd)
    for key, value in values.items():
        parameter, pair = _parameter(key)
        if parameter is None:
            found.notes.append(f"{key} isn't a key of the vendor's page; look whether it's needed")
        elif value == "":
            found.notes.append(f"{key} is empty and was left out")
        elif parameter.is_secret:
            found.secrets[parameter.path] = value
        else:
            _put(found.settings, parameter.path.format(pair=pair).split("."), value)
    if "redisPassword" not in found.secrets and "redis" in found.settings:
        found.settings["redis"].setdefault("secure", False)
        found.notes.append("no EXEC_REDIS_PASSWORD: redis.secure is taken to be false")
    return found


def _parameter(key: str) -> tuple[vendor.Parameter | None, str]:
    match = _PAIR_KEY.match(key)
    pair = match[1] if match else ""
    wanted = f"EXCP_{{pair}}_{match[2]}" if match else key
    return next((p for p in vendor.PARAMETERS if p.env_key == wanted), None), pair


def _put(settings: dict[str, Any], path: list[str], text: str) -> None:
    node = settings
    for part in path[:-1]:
        node = node.setdefault(part, {})
    node[path[-1]] = _value(path[-1], text)


def _value(name: str, text: str) -> Any:
    if name in _LISTS:
        return [part.strip() for part in text.split(",") if part.strip()]
    if name in _TEXTS:
        return text
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    return int(text) if text.isdecimal() else text


def exported(config: ExecConfig, secrets: Mapping[str, str]) -> str:
    """The `.env` of a stack, in the vendor's order; a secret that isn't given is left empty."""
    lines = ["# Written by exctl export-env from the stack file."]
    for parameter in vendor.PARAMETERS:
        if "{pair}" in parameter.env_key:
            continue
        lines += _line(parameter, "", config, secrets)
    for pair in sorted(config.excp.pairs, key=int):
        for parameter in vendor.PARAMETERS:
            if "{pair}" in parameter.env_key:
                lines += _line(parameter, pair, config, secrets)
    return "\n".join(lines) + "\n"


def _line(
    parameter: vendor.Parameter, pair: str, config: ExecConfig, secrets: Mapping[str, str]
) -> list[str]:
    key = parameter.env_key.format(pair=pair)
    if parameter.is_secret:
        return (
            [f"{key}={shlex.quote(secrets[parameter.path])}"] if parameter.path in secrets else []
        )
    value = value_at(config, parameter.path, pair)
    if value is None or value == []:
        return []
    if isinstance(value, bool):
        return [f"{key}={'true' if value else 'false'}"]
    return [f"{key}={','.join(map(str, value)) if isinstance(value, list) else value}"]
