"""What is wrong in a stack file: where, and what is found against what is allowed."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import BaseModel
from pydantic_core import ErrorDetails

import vendor_facts as vendor
from config_schema import ExecConfig
from stack import paths
from stack.secrecy import SECRET_NAMES, is_plain
from stack.text import counted

_MUST_BE = {
    "int": "a whole number",
    "float": "a number",
    "finite": "a number",
    "bool": "true or false",
    "string": "a text (in quotes, if it looks like a number)",
    "model": "a section with settings of its own",
    "dict": "a section with settings of its own",
    "list": "a list",
}
_BOUNDS = {
    "greater_than": ("gt", "more than"),
    "greater_than_equal": ("ge", "at least"),
    "less_than": ("lt", "less than"),
    "less_than_equal": ("le", "at most"),
}


@dataclass(frozen=True)
class Problem:
    """Something wrong in a stack file: where, and what is found and allowed."""

    path: str
    text: str

    def __str__(self) -> str:
        return f"{self.path}: {self.text}" if self.path else self.text


def message(what: str, problems: Sequence[Problem]) -> str:
    """All problems of a file (or of what else is named), as an operator reads them."""
    count = counted(len(problems), "problem")
    return "\n".join([f"{what} has {count}:", *(f"  {problem}" for problem in problems)])


def of_schema(detail: ErrorDetails, *section: str, root: type[BaseModel] = ExecConfig) -> Problem:
    """What the schema has found in a section, or in all of them, in our words; places in lists
    count from 1. `root` is the model of the whole file."""
    location = [*section, *(part for part in detail["loc"] if part != "[key]")]
    return Problem(paths.written(location) or "the file", _sentence(detail, location, root))


def _sentence(detail: ErrorDetails, location: Sequence[int | str], root: type[BaseModel]) -> str:
    kind, context = detail["type"], detail.get("ctx", {})
    found = _found(detail["input"], location)
    form, _, _ = kind.partition("_")
    if kind == "extra_forbidden":
        if root is ExecConfig and location and location[0] in vendor.NOT_PUBLIC:
            return vendor.NOT_PUBLIC[str(location[0])]
        return f"unknown setting{_did_you_mean(location, root)}"
    if kind == "missing":
        return f"is missing: {_description(location, root)}"
    if kind == "value_error":
        return str(context["error"])
    if kind == "literal_error":
        return f"must be {context['expected'].replace(chr(39), '')}; found {found}"
    if kind in _BOUNDS:
        limit, words = _BOUNDS[kind]
        return f"must be {words} {context[limit]:g}; found {found}"
    if kind in ("too_short", "too_long"):
        most = context.get("min_length", context.get("max_length"))
        bound = "at least" if kind == "too_short" else "at most"
        entries = counted(int(most or 0), "entry")
        return f"must have {bound} {entries}; found {context['actual_length']}"
    if kind == "string_too_short":
        return "must not be empty"
    if form in _MUST_BE:
        return f"must be {_MUST_BE[form]}; found {found}"
    return f"has the wrong form; it should be: {_description(location, root)}"


def _found(value: object, location: Sequence[int | str]) -> str:
    match value:
        case dict():
            return "a section"
        case list():
            return f"a list of {len(value)}"
        case None | "":
            return "nothing"
    if is_plain(tuple(paths.written(location).split("."))):
        return "true" if value is True else "false" if value is False else repr(value)
    return "a number" if isinstance(value, int | float) else "a text"


def _did_you_mean(location: Sequence[int | str], root: type[BaseModel]) -> str:
    model = paths.model_at(location[:-1], root)
    secrets = SECRET_NAMES if len(location) == 1 and root is ExecConfig else ()
    names = [*model.model_fields, *secrets] if model else []
    close = difflib.get_close_matches(str(location[-1]), names, 1)
    if close:
        return f'. Did you mean "{close[0]}"?'
    return f"; known here: {', '.join(names)}" if names else ""


def _description(location: Sequence[int | str], root: type[BaseModel]) -> str:
    field = paths.field_at(location, root)
    example = "Pulumi.example.yaml" if root is ExecConfig else "the example"
    return (field.description if field else None) or f"see {example}"
