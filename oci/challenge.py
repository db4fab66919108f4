"""How a registry wants to be logged in to. Source: RFC 9110, 11.6.1; Docker registry token
authentication. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

_PARTS = re.compile(r'(?:[^,"]|"(?:[^"\\]|\\.)*"?)+', re.DOTALL)
_BEGINS = re.compile(r"([A-Za-z0-9!#$%&'*+.^_`|~-]+)(?:\s+(.*))?", re.DOTALL)
_FIELD = re.compile(r'([A-Za-z0-9_-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s"]*))', re.DOTALL)


@dataclass(frozen=True)
class Challenge:
    """One way to log in: its scheme in lower case, and its fields by lower-case name."""

    scheme: str
    fields: Mapping[str, str] = field(default_factory=dict)


def challenges(header: str) -> list[Challenge]:
    """Every way that a `WWW-Authenticate` header offers, in its order; several headers stand in
    one, with commas. What isn't understood is left out."""
    found: list[tuple[str, dict[str, str]]] = []
    for part in (each.strip() for each in _PARTS.findall(header)):
        if (name_value := _FIELD.fullmatch(part)) is None:
            begins = _BEGINS.fullmatch(part)
            if begins is None:
                continue
            found.append((begins[1].lower(), {}))
            name_value = _FIELD.fullmatch((begins[2] or "").strip())
        if name_value is not None and found:
            quoted = re.sub(r"\\(.)", r"\1", name_value[2] or "")
            found[-1][1][name_value[1].lower()] = quoted or name_value[3] or ""
    return [Challenge(scheme, fields) for scheme, fields in found]
