"""The syntax of a `.env`: its lines read, and values written so that every reader gets them. Pure.

Who reads a `.env` differs in what it makes of quotes, `$` and `#`: compose (version 2) has a parser
of its own, Python programs mostly python-dotenv. What is written here is read alike by both.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from io import StringIO

from dotenv.parser import Binding, parse_stream
from dotenv.variables import Variable, parse_variables

FILLED_IN_LATER = ("TENANT_ID", "HOSTNAME")
"""References that the vendor's log names hold, filled in where a container starts.
Source: deployment, EXCP Parameters."""

_BARE = re.compile(r"[A-Za-z0-9_.,:/@%+=~^\\-]+")
_NO_SINGLE_QUOTES = re.compile(r"\\\\|\\'|\\$|\r")
_DOUBLE_QUOTE_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}


@dataclass(frozen=True)
class EnvEntry:
    """One `KEY=VALUE` with the number of its line, quotes taken off and references filled in."""

    line: int
    key: str
    value: str


def decoded(content: bytes) -> str:
    """The text of a file, a byte order mark and Windows line ends taken off.

    Raises ValueError with what is allowed if it isn't UTF-8.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise ValueError(f"line {line} isn't UTF-8 text; save the file as UTF-8") from None
    return text.replace("\r\n", "\n")


def read(text: str) -> tuple[list[EnvEntry], list[str]]:
    """All entries in their order, and what is wrong, by line; no value is in what is wrong."""
    entries: list[EnvEntry] = []
    problems: list[str] = []
    values: dict[str, str] = {}
    for binding in parse_stream(StringIO(text)):
        # What a binding spans begins with the blank lines before it.
        blank = len(binding.original.string) - len(binding.original.string.lstrip())
        line = binding.original.line + binding.original.string[:blank].count("\n")
        if binding.error or (binding.key is not None and binding.value is None):
            problems.append(f"line {line} isn't KEY=VALUE, or its quotes don't end")
            continue
        if binding.key is None or binding.value is None:  # a comment
            continue
        value, unknown = _filled_in(binding, values)
        if unknown:
            names = ", ".join(f"${{{name}}}" for name in unknown)
            problems.append(
                f"line {line}, {binding.key}: {names} is set nowhere above it in this file;"
                " write the value out, or put it into single quotes if the $ is meant literally"
            )
        values[binding.key] = value
        entries.append(EnvEntry(line, binding.key, value))
    return entries, problems


def _filled_in(binding: Binding, values: Mapping[str, str]) -> tuple[str, list[str]]:
    """The value with its references filled in, and the names that nothing was found for."""
    value = binding.value or ""
    if _is_single_quoted(binding.original.string):
        return value, []
    parts: list[str] = []
    unknown: list[str] = []
    for atom in parse_variables(value):
        name = atom.name if isinstance(atom, Variable) else ""
        if isinstance(atom, Variable) and name in FILLED_IN_LATER and name not in values:
            parts.append(f"${{{name}}}")
        elif isinstance(atom, Variable) and name not in values and atom.default is None:
            unknown.append(name)
        else:
            parts.append(atom.resolve(values))
    return "".join(parts), unknown


def _is_single_quoted(original: str) -> bool:
    return original.partition("=")[2].lstrip().startswith("'")


def written(value: str) -> str:
    """The value as it has to stand in a `.env` to be read literally.

    In single quotes wherever they do: nothing in them is filled in by compose, and a password's $
    or # stays. Only backslashes before a quote or at the end, which the readers take differently
    there, and line ends go into double quotes.
    """
    if _BARE.fullmatch(value):
        return value
    if not _NO_SINGLE_QUOTES.search(value):
        return "'" + value.replace("'", "\\'") + "'"
    return '"' + "".join(_DOUBLE_QUOTE_ESCAPES.get(c, c) for c in value) + '"'


def is_read_alike(value: str) -> bool:
    """False for what no way of writing makes all readers take literally: python-dotenv fills in
    `${NAME}` in any quotes, compose fills in `$NAME` in double ones."""
    text = written(value)
    return "${" not in value and not (text.startswith('"') and "$" in value)
