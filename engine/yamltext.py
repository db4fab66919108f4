"""YAML with the scalar rules of the CLI's reader, and edits that keep comments and order."""

from __future__ import annotations

import io
import json
import math
import re
from typing import Any

_INT = re.compile(r"[-+]?(0b[01_]+|0o[0-7_]+|0x[0-9a-fA-F_]+|[0-9][0-9_]*)")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_DATE = re.compile(r"(\d{4})-(\d{2})-(\d{2})")
_WORDS: dict[str, Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf"), math.inf),
    "-.inf": -math.inf,
    ".nan": math.nan,
}


# What ruamel's parser ends with at some broken texts, in place of an error of its own.
PARSER_FAILS = (IndexError, KeyError, TypeError, ValueError, AttributeError, RecursionError)


class YamlError(Exception):
    """A file that isn't YAML, or not of the shape it must have."""


def scalar(text: str) -> Any:
    """What a plain scalar means: `0123` is 83, `yes` a string, `1.10` a float, `~` null."""
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text):
        return _integer(text.replace("_", ""))
    if _FLOAT.fullmatch(text):
        return float(text)
    if _DATE.fullmatch(text):
        return f"{text} 00:00:00 +0000 UTC"
    return text


def _integer(text: str) -> int | float | str:
    sign, digits = (-1, text[1:]) if text[0] == "-" else (1, text.lstrip("+"))
    if len(digits) > 1 and digits[0] == "0" and digits[1].isdigit():
        if set(digits) - set("01234567"):
            return float(text)
        return sign * int(digits, 8)
    return sign * int(digits, 0)


def load(text: str, where: str) -> Any:
    """The document's value in plain Python types; None for an empty one."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError
    from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode

    def build(node: Any) -> Any:
        if isinstance(node, ScalarNode):
            plain = node.style is None and not str(node.tag or "").endswith(":str!")
            # An escaped half of a character is no character: the CLI's reader replaces it too.
            text = node.value.encode("utf-8", "replace").decode()
            return scalar(text) if plain else text
        if isinstance(node, SequenceNode):
            return [build(item) for item in node.value]
        if isinstance(node, MappingNode):
            return {str(build(key)): build(item) for key, item in node.value}
        raise YamlError(f"{where}: unexpected YAML")

    try:
        node = YAML(typ="rt", pure=True).compose(io.StringIO(text))
        return None if node is None else build(node)
    except (YAMLError, *PARSER_FAILS) as problem:
        raise YamlError(f"{where}: not YAML ({problem})") from None


def as_text(value: Any) -> str:
    """A scalar as the program sees it: `true`, `83`, `1.1`, `` for null."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _float_text(value)
    return str(value)


def _float_text(value: float) -> str:
    if value.is_integer() and abs(value) < 1e21:
        return str(int(value))
    return repr(value)


def go_json(value: Any) -> str:
    """Compact JSON with sorted keys, as the CLI hands objects to a program."""
    text = json.dumps(_integral(value), ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _integral(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _integral(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_integral(v) for v in value]
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e21:
        return int(value)
    return value


class Document:
    """A YAML mapping that can be changed in place without losing comments, order or style."""

    def __init__(self, text: str, where: str) -> None:
        from ruamel.yaml import YAML
        from ruamel.yaml.comments import CommentedMap
        from ruamel.yaml.error import YAMLError

        self._yaml = YAML(typ="rt")
        self._yaml.preserve_quotes = True
        self._yaml.width = 1_000_000
        self._yaml.indent(mapping=2, sequence=4, offset=2)
        try:
            self.data = self._yaml.load(text)
        except (YAMLError, *PARSER_FAILS) as problem:
            raise YamlError(f"{where}: not YAML ({problem})") from None
        if self.data is None:
            self.data = CommentedMap()
            if text.strip():  # comments alone
                self.data.yaml_set_start_comment("")
        if not isinstance(self.data, dict):
            raise YamlError(f"{where}: must be a mapping")

    def text(self) -> str:
        """The document, ready to be written."""
        if not self.data:
            return ""
        stream = io.StringIO()
        self._yaml.dump(self.data, stream)
        return stream.getvalue()


def quoted_if_needed(value: Any) -> Any:
    """A string in the quotes that keep the CLI's reader from taking it for something else."""
    if isinstance(value, str) and not isinstance(scalar(value), str):
        from ruamel.yaml.scalarstring import DoubleQuotedScalarString

        return DoubleQuotedScalarString(value)
    return value
