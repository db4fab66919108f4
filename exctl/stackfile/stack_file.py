"""Stack files edited: comments and order stay. Reading is in `stack.yaml_text`, writing in
`exctl.files`."""

from __future__ import annotations

from collections.abc import Sequence
from io import StringIO
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedSeq
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from stack import paths, yaml_text


def edited(text: str, path: Sequence[str], value: Any, after: str = "") -> str:
    """The text with one setting changed: `("excp", "pairs", "1", "tag")` for instance; None takes
    the setting out. A new one comes last, or behind the one named `after`."""
    editor = _editor()
    content = editor.load(text)
    *parents, last = paths.in_file(tuple(path))
    node = paths.get(content, tuple(parents))
    put = _flow(value) if type(value) is list else value
    if type(value) is str and not yaml_text.reads_as(value, value):
        put = DoubleQuotedScalarString(value)
    if put is None:
        node.pop(last, None)
    elif last in node or after not in node:
        node[last] = put
    else:
        node.insert(list(node).index(after) + 1, last, put)
    written = StringIO()
    editor.dump(content, written)
    return written.getvalue()


def _editor() -> YAML:
    editor = YAML()
    editor.preserve_quotes = True
    editor.width = 10_000
    return editor


def section_of(text: str, path: Sequence[str]) -> Any:
    """A section with its comments, to be put into another text by `edited`; None without it."""
    return paths.get(_editor().load(text), paths.in_file(tuple(path)))


def value_in(text: str, path: Sequence[str]) -> Any:
    """The value that stands there, None if none does."""
    return paths.get(yaml_text.read(text), paths.in_file(tuple(path)))


def _flow(values: Sequence[Any]) -> CommentedSeq:
    """A list in one line."""
    row = CommentedSeq(values)
    row.fa.set_flow_style()
    return row
