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
from stack.secrecy import SECRET_NAMES

ENCRYPTION = ("secretsprovider", "encryptedkey", "encryptionsalt")
"""Pulumi's own keys of a stack file, which its ciphertexts are read with."""


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


def with_secrets_of(text: str, other: str) -> str:
    """The text with the secrets of another stack file in the place of its own, and the key that
    they are encrypted with: ciphertexts of two keys in one file couldn't be read."""
    editor = _editor()
    content, source = editor.load(text), editor.load(other)
    for name in ENCRYPTION:
        _take(content, source, (), name)
    for name in SECRET_NAMES:
        _take(content, source, ("config",), paths.in_file((name,))[-1])
    written = StringIO()
    editor.dump(content, written)
    return written.getvalue()


def _take(content: Any, source: Any, parents: Sequence[str], name: str) -> None:
    node, given = (paths.get(each, tuple(parents)) for each in (content, source))
    if name in given:
        node[name] = given[name]
    else:
        node.pop(name, None)


def key_of(text: str) -> list[Any]:
    """What the secrets of a stack file are encrypted with, as its text names it."""
    content = yaml_text.read(text)
    return [content.get(name) for name in ENCRYPTION]


def secrets_that_differ(text: str, other: str) -> list[str]:
    """The names of the secrets that were set between the two: their ciphertexts differ."""
    return [name for name in SECRET_NAMES if value_in(text, (name,)) != value_in(other, (name,))]


def _flow(values: Sequence[Any]) -> CommentedSeq:
    """A list in one line."""
    row = CommentedSeq(values)
    row.fa.set_flow_style()
    return row
