"""Stack files, new and edited: comments and order stay, and the file is whole at any moment."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from io import StringIO
from pathlib import Path
from typing import Any

import yaml
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedSeq

from exctl.site import Place
from stack.loader import NAMESPACE


def path_of(site: Place) -> Path:
    """The stack's file."""
    return site.project / f"Pulumi.{site.stack}.yaml"


def edited(text: str, place: Sequence[str], value: Any, after: str = "") -> str:
    """The text with one setting changed: `("excp", "pairs", "1", "tag")` for instance; None takes
    the setting out. A new one comes last, or behind the one named `after`."""
    editor = _yaml()
    content = editor.load(text)
    first, *rest = place
    *parents, last = [f"{NAMESPACE}:{first}", *rest]
    node = content["config"]
    for key in parents:
        node = node[key]
    put = _flow(value) if type(value) is list else value
    if put is None:
        node.pop(last, None)
    elif last in node or after not in node:
        node[last] = put
    else:
        node.insert(list(node).index(after) + 1, last, put)
    written = StringIO()
    editor.dump(content, written)
    return written.getvalue()


def _yaml() -> YAML:
    editor = YAML()
    editor.preserve_quotes = True
    editor.width = 10_000
    return editor


def section_of(text: str, place: Sequence[str]) -> Any:
    """A section with its comments, to be put into another text by `edited`; None without it."""
    first, *rest = place
    node = _yaml().load(text)["config"]
    for key in (f"{NAMESPACE}:{first}", *rest):
        if not isinstance(node, Mapping) or key not in node:
            return None
        node = node[key]
    return node


def value_in(text: str, place: Sequence[str]) -> Any:
    """The value that stands there, None if none does."""
    node: Any = yaml.safe_load(text)["config"]
    first, *rest = place
    for key in (f"{NAMESPACE}:{first}", *rest):
        if not isinstance(node, Mapping) or key not in node:
            return None
        node = node[key]
    return node


def write(path: Path, text: str) -> None:
    """Put the text in the file's place, at once and with the mode it had."""
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(text)
    if path.exists():
        partial.chmod(path.stat().st_mode & 0o777)
    with partial.open() as file:
        os.fsync(file.fileno())
    partial.replace(path)


def _flow(values: Sequence[Any]) -> CommentedSeq:
    """A list in one line."""
    row = CommentedSeq(values)
    row.fa.set_flow_style()
    return row
