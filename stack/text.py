"""Texts as every message takes them: a count with its noun, foreign words in one line, times."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from datetime import UTC, datetime

TEXT_LIMIT_CHARACTERS = 200


def counted(number: int, noun: str) -> str:
    """`1 host`, `2 hosts`, `2 entries`."""
    if number != 1:
        noun = f"{noun[:-1]}ies" if noun.endswith("ry") else f"{noun}s"
    return f"{number} {noun}"


def in_url(host: str) -> str:
    """A host as it stands in a URL or before a port: an IPv6 address in brackets."""
    return f"[{host}]" if ":" in host else host


def time_text(at: float | None = None) -> str:
    """Seconds since 1970 (none: now) as `2026-11-26T09:30:00Z`, which `parse_time` reads."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))


def parse_time(text: object) -> datetime | None:
    """An ISO 8601 time with its zone (UTC where it names none); None if it isn't one.

    Docker writes nanoseconds, more than Python reads: what is beyond microseconds is cut.
    """
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text.strip()))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def plain_text(value: object, limit_characters: int = TEXT_LIMIT_CHARACTERS) -> str:
    """One printable line: a service's words may hold line ends, escapes or half characters."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else str(value)
    text = "".join(c if c.isprintable() else " " for c in text[: limit_characters * 2])
    text = " ".join(text.split())
    return text if len(text) <= limit_characters else text[: limit_characters - 1] + "…"


def seconds_text(seconds: float) -> str:
    """`4 s`, `12 min`."""
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """A line for each row, each column as wide as its widest cell."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
