"""Ranges of versions, as a project or a program demands of the CLI."""

from __future__ import annotations

import re

from engine import VERSION_LINE

_PART = r"(\d+|[xX*])"
_TERM = re.compile(rf"\s*(>=|<=|!=|==|=|!|>|<|)\s*v?{_PART}(?:\.{_PART})?(?:\.{_PART})?\s*,?")


def is_in(wanted: str, version: str = VERSION_LINE) -> bool:
    """True if the version is in a range such as `>=3.1.0 <4.0.0 || 5.x`. ValueError for a text that
    isn't a range (of plain versions: pre-releases aren't supported)."""
    mine = tuple(map(int, version.removeprefix("v").split(".")))
    ranges = [_terms(text) for text in wanted.split("||")]
    return any(all(_holds(mine, *term) for term in terms) for terms in ranges)


def _terms(text: str) -> list[tuple[str, list[int]]]:
    """Operators, and as many parts of a version as are given."""
    found, position = [], 0
    text = text.strip()
    while position < len(text):
        match = _TERM.match(text, position)
        if match is None or match.end() == position:
            break
        position = match.end()
        parts = [part for part in match.groups()[1:] if part and part not in "xX*"]
        found.append((match[1] or "=", list(map(int, parts))))
    if not found or position < len(text):
        raise ValueError(f"{text!r} isn't a range of versions such as '>=3.1.0 <4.0.0'")
    return found


def _holds(mine: tuple[int, ...], operator: str, parts: list[int]) -> bool:
    start = mine[: len(parts)]
    wanted = tuple(parts)
    answers = {
        ">=": start >= wanted,
        "<=": start <= wanted,
        ">": start > wanted,
        "<": start < wanted,
        "=": start == wanted,
        "==": start == wanted,
        "!": start != wanted,
        "!=": start != wanted,
    }
    return answers[operator]
