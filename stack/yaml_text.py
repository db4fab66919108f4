"""Stack files as text: read as the Pulumi CLI reads them, or refused where readers of YAML differ.

The CLI reads by Go's yaml.v3 (YAML 1.2 with much of 1.1), writes what it has read, and reads that
again. So `on` is a text for it and true for others, `1e3` the number 1000 and a text for others,
`2026-01-01` a text that nobody wrote. Nothing of that kind gets through: whoever wrote it meant one
of the two. Measured with the Pulumi CLI 3.274.1; tests/unit/stack/test_yaml_text.py compares.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from stack import paths
from stack.problems import Problem
from stack.secrecy import is_plain

MAX_DEPTH = 20
"""Chosen: twice what the schema has."""

_NULL = ("", "~", "null", "Null", "NULL")
_BOOLEAN = {
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
}
_INTEGER = re.compile(r"-?[1-9][0-9]{0,14}|0")
_DECIMAL = re.compile(r"-?(0|[1-9][0-9]{0,11})\.[0-9]{1,12}")
_WORD = re.compile(r"y|yes|n|no|on|off", re.IGNORECASE)
_NUMBER = re.compile(
    r"[-+]?(0b[01]*|0o?[0-9]*|0x[0-9a-f]*|[0-9]+(:[0-9]+)+(\.[0-9]*)?"
    r"|(\.[0-9]+|[0-9]+(\.[0-9]*)?)(e[-+]?[0-9]+)?|\.inf)|\.nan",
    re.IGNORECASE,
)
_SPECIAL = re.compile("<<|=")
_DATE = re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt \t].*)?")


class NotReadable(ValueError):
    """What is wrong with a text; no line and no value of it is in the problems, unless the setting
    is known to be plain."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("; ".join(map(str, problems)))
        self.problems = problems


class _Odd(Exception):
    """A scalar that readers of YAML take differently, and what to write instead."""


@dataclass
class _Reader:
    events: Iterator[Event]
    problems: list[Problem] = field(default_factory=list)

    def value(self, event: Event, path: paths.Path) -> Any:
        if len(path) > MAX_DEPTH:
            raise NotReadable([_at(event, f"sections are nested more than {MAX_DEPTH} deep")])
        match event:
            case AliasEvent():
                self._refuse(event, path, "an alias (*name); write the value out")
                return None
            case ScalarEvent():
                return self._scalar(event, path)
            case MappingStartEvent():
                self._refuse_tag(event, path)
                return self._section(path)
            case SequenceStartEvent():
                self._refuse_tag(event, path)
                entries: list[Any] = []
                while not isinstance(entry := next(self.events), SequenceEndEvent):
                    entries.append(self.value(entry, (*path, str(len(entries) + 1))))
                return entries
        raise AssertionError(event)

    def _section(self, path: paths.Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        lines: dict[str, int] = {}
        while not isinstance(event := next(self.events), MappingEndEvent):
            key = self._key(event, path)
            value = self.value(next(self.events), (*path, key))
            line = _line(event)
            if key in lines:
                text = f"is set twice, in lines {lines[key]} and {line}; keep one of them"
                self.problems.append(Problem(_shown((*path, key)), text))
            lines.setdefault(key, line)
            found[key] = value
        return found

    def _key(self, event: Event, path: paths.Path) -> str:
        if not isinstance(event, ScalarEvent):
            self._refuse(event, path, "a name that is not a text")
            self.value(event, path)
            return ""
        try:
            key = _scalar_value(event)
        except _Odd as odd:
            self._refuse(event, path, f"a name, {odd}")
            return event.value
        if key == "<<":  # Pulumi loses its quotes when it writes what it has read
            self._refuse(event, path, "the name <<, which not all YAML parsers read as a name")
        if not isinstance(key, str | int) or isinstance(key, bool):
            self._refuse(event, path, "a name that is not a text; put it in quotes")
        return event.value

    def _scalar(self, event: ScalarEvent, path: paths.Path) -> Any:
        try:
            return _scalar_value(event)
        except _Odd as odd:
            what = event.value if is_plain(_setting(path)) else "a value"
            self._refuse(event, path, f"{what}, {odd}")
            return None

    def _refuse_tag(self, event: MappingStartEvent | SequenceStartEvent, path: paths.Path) -> None:
        if event.tag is not None:
            self._refuse(event, path, "a tag (!…); leave it out")

    def _refuse(self, event: Event, path: paths.Path, what: str) -> None:
        self.problems.append(Problem(_shown(path), f"line {_line(event)} has {what}"))


def read(text: str) -> dict[str, Any]:
    """A whole file's content, names as texts; {} of an empty one.

    Raises NotReadable with every problem, syntax errors by their line alone.
    """
    content = read_value(text)
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise NotReadable([Problem("", "is not made of sections; it begins with `config:`")])
    return content


def read_value(text: str) -> Any:
    """The value that a text is, a section, a list or a single one; NotReadable as for `read`."""
    events = yaml.parse(text, Loader=yaml.CSafeLoader)
    reader = _Reader(events)
    content: Any = None
    documents = 0
    try:
        for event in events:
            if isinstance(event, DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise NotReadable([_at(event, "a second document begins; Pulumi reads one")])
            elif isinstance(
                event, MappingStartEvent | SequenceStartEvent | ScalarEvent | AliasEvent
            ):
                content = reader.value(event, ())
    except yaml.MarkedYAMLError as error:
        raise NotReadable([_syntax(error)]) from None
    except (yaml.YAMLError, UnicodeError):
        raise NotReadable(
            [Problem("", "holds characters that no text has (NUL or other control characters)")]
        ) from None
    if reader.problems:
        raise NotReadable(reader.problems)
    return content


def reads_as(text: str, value: object) -> bool:
    """Whether the text, as it stands, is this value for every reader of YAML."""
    try:
        return bool(read_value(text) == value)
    except NotReadable:
        return False


def settings_in(text: str) -> dict[str, Any]:
    """Our settings in a stack file's text, by name without the namespace.

    Raises NotReadable, also if there is no `config` or a name in it isn't of the form
    namespace:name.
    """
    found = read(text).get("config")
    if not isinstance(found, dict):
        raise NotReadable([Problem("", "there is no section `config`")])
    bare = [name for name in found if name.count(":") != 1]
    if bare:
        raise NotReadable([_unnamed(name) for name in bare])
    prefix = f"{paths.NAMESPACE}:"
    return {k.removeprefix(prefix): v for k, v in found.items() if k.startswith(prefix)}


def _unnamed(name: str) -> Problem:
    last = name.rpartition(":")[2]
    return Problem(name, f"must be written with its namespace, {paths.NAMESPACE}:{last}")


def holds_secret(value: Any) -> bool:
    """Whether Pulumi takes the setting for a secret: a ciphertext is in it, at any depth."""
    match value:
        case {"secure": str(), **others} if not others:
            return True
        case dict():
            return any(map(holds_secret, value.values()))
        case list():
            return any(map(holds_secret, value))
    return False


def _scalar_value(event: ScalarEvent) -> Any:
    """The value; _Odd if readers of YAML don't agree about it."""
    text = event.value
    if event.tag is not None:
        raise _Odd("which has a tag (!…) before it; leave the tag out")
    if text.startswith("\n"):  # it writes folded what it has read, and loses that line break
        raise _Odd("which begins with a line break, and Pulumi drops that; leave it out")
    if event.style:
        return text
    if text in _NULL:
        return None
    if text in _BOOLEAN:
        return _BOOLEAN[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _DECIMAL.fullmatch(text):
        return float(text)
    bare = text.replace("_", "") if text[:1] in "+-.0123456789" else text
    for form, found, why in _ODD:
        if form.fullmatch(bare if form is _NUMBER else text):
            raise _Odd(f"which {found}; {why}")
    return text


_ODD = (
    (
        _WORD,
        "some YAML parsers read as true or false",
        "write true or false, or put it in quotes",
    ),
    (
        _NUMBER,
        "YAML parsers read as different numbers",
        "write it in plain digits, or put it in quotes",
    ),
    (_DATE, "some YAML parsers read as a date", "put it in quotes"),
    (_SPECIAL, "has a meaning of its own in YAML", "put it in quotes"),
)


def _syntax(error: yaml.MarkedYAMLError) -> Problem:
    mark = error.problem_mark or error.context_mark
    where = f"line {mark.line + 1}, column {mark.column + 1}" if mark else ""
    return Problem(where, f"is not YAML: {error.problem}")  # libyaml's words never hold the text


def _at(event: Event, text: str) -> Problem:
    return Problem(f"line {_line(event)}", text)


def _line(event: Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 0


def _setting(path: paths.Path) -> paths.Path:
    """The setting's path without `config` and our namespace, as everything else names it."""
    if path[:1] != ("config",) or len(path) < 2:
        return path
    return (path[1].removeprefix(f"{paths.NAMESPACE}:"), *path[2:])


def _shown(path: paths.Path) -> str:
    return ".".join(_setting(path))
