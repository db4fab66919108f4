"""Small pieces of text that several commands print."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from engine.codec import HIDDEN, encode, hide
from engine.values import Secret, Value
from engine.yamltext import go_json


def table(rows: Sequence[tuple[str, ...]], indent: str = "") -> str:
    """Rows as columns two blanks apart; the first row is the heading."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]) - 1)]
    lines = []
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        lines.append(indent + "  ".join([*cells, row[-1]]).rstrip())
    return "\n".join(lines)


def json_text(value: Any, indent: int = 2) -> str:
    """Indented JSON as the CLI prints it."""
    return json.dumps(value, ensure_ascii=False, indent=indent)


def shown(value: Value, show_secrets: bool) -> Any:
    """A property value as plain JSON data; what is secret is hidden or laid open."""
    return encode(laid_open(value) if show_secrets else value, hide)


def laid_open(value: Value) -> Value:
    """The value without its secret marks."""
    if isinstance(value, Secret):
        return laid_open(value.value)
    if isinstance(value, dict):
        return {k: laid_open(v) for k, v in value.items()}
    if isinstance(value, list):
        return [laid_open(v) for v in value]
    return value


def one_line(value: Any) -> str:
    """JSON data on one line; a string is itself."""
    return value if isinstance(value, str) else go_json(value)


def shell_word(text: str) -> str:
    """The text as one word for a shell: quoted if it holds a blank, else with a backslash before
    each special character, as the CLI writes it."""
    if not text or re.search(r"[ \t\n]", text):
        return "\\'".join(f"'{part}'" if part else "" for part in text.split("'")) or "''"
    return re.sub(r"""^~|[\\'"`${\[|&;<>()*?!]""", r"\\\g<0>", text)


def outputs_table(outputs: Any, show_secrets: bool) -> str:
    """The stack's outputs as `stack` and `stack output` list them (golden 06-components)."""
    found = {k: shown(v, show_secrets) for k, v in sorted(outputs.items()) if v is not None}
    head = f"Current stack outputs ({len(found)}):\n"
    if not found:
        return head + "    No output values currently in this stack"
    rows = [("OUTPUT", "VALUE"), *((k, one_line(v)) for k, v in found.items())]
    return head + table(rows, "    ")


def iso_milliseconds(seconds: float) -> str:
    """`2026-11-23T21:42:22.271Z`."""
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03}Z"


__all__ = [
    "HIDDEN",
    "iso_milliseconds",
    "json_text",
    "one_line",
    "outputs_table",
    "shell_word",
    "shown",
    "table",
]
