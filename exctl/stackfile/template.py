"""The text of a new stack file: Pulumi.example.yaml with an operator's settings in it. Pure.

What isn't set stays there as a comment with its default, so that the file is its own manual.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

import vendor_facts as vendor
from stack import paths, yaml_text
from stack.paths import NAMESPACE, Path

_SETTING = re.compile(rf'^( *)(#?)((?:{NAMESPACE}:)?[a-z_]+|"\d+"):( .*)?$')
_PAIRS = ("excp", "pairs")
_FIRST_PAIR = (*_PAIRS, "1")


@dataclass(frozen=True)
class ExampleLine:
    """A line of the example: of a setting or, with the path of what follows it, a comment."""

    text: str
    path: Path
    indent: str = ""
    name: str = ""
    is_comment: bool = True
    is_section: bool = False


def rendered(
    example: str,
    settings: Mapping[str, Any],
    head: str = "",
    salt: str = "",
    secrets: Mapping[str, str] | None = None,
    why: Mapping[str, str] | None = None,
) -> str:
    """The file: `head` as comments, the salt, the settings by section, the secrets' ciphertexts.
    `why` is path (`redis.secure`) → a comment on that setting, which goes when the setting goes.

    Raises ValueError if a setting has no line in the example.
    """
    wanted = without_empty(settings)
    lines = [f"# {line}".rstrip() for line in head.splitlines()]
    lines += [f"encryptionsalt: {salt}"] if salt else []
    lines += ["config:", *_config(list(_lines(example)), wanted, why or {})]
    for name, ciphertext in (secrets or {}).items():
        purpose = next((s.purpose for s in vendor.SECRETS if s.name == name), "")
        lines += ["", f"  # {purpose}", f"  {NAMESPACE}:{name}:", f"    secure: {ciphertext}"]
    text = "\n".join(lines) + "\n"
    found = yaml_text.settings_in(text)
    read = {key: value for key, value in found.items() if key not in (secrets or {})}
    if read != wanted:
        lost = [key for key in wanted if read.get(key) != wanted[key]]
        raise ValueError(f"Pulumi.example.yaml has no line for all of {', '.join(lost)}")
    return text


def without_empty(value: Any) -> Any:
    """The settings without sections that hold nothing, keys as texts."""
    if not isinstance(value, Mapping):
        return value
    found = {str(key): without_empty(item) for key, item in value.items()}
    return {key: item for key, item in found.items() if item != {}}


def _lines(example: str) -> Iterator[ExampleLine]:
    """The lines below `config:`; a comment belongs to the setting that it stands above."""
    _, _, body = example.partition("\nconfig:\n")
    parents: list[tuple[int, str]] = []
    comments: list[str] = []
    texts = body.rstrip("\n").splitlines()
    for number, text in enumerate(texts):
        found = _SETTING.match(text)
        if found is None:
            comments.append(text)
            continue
        indent, name = found[1], found[3].removeprefix(f"{NAMESPACE}:").strip('"')
        while parents and parents[-1][0] >= len(indent):
            parents.pop()
        parents.append((len(indent), name))
        path = tuple(part for _, part in parents)
        yield from (ExampleLine(comment, path) for comment in comments)
        comments.clear()
        is_section = not found[4] and _goes_deeper(texts[number + 1 :], len(indent))
        yield ExampleLine(text, path, indent, found[3], False, is_section)


def _goes_deeper(following: list[str], indent: int) -> bool:
    return bool(following) and len(following[0]) - len(following[0].lstrip(" ")) > indent


def _config(
    lines: list[ExampleLine], settings: Mapping[str, Any], why: Mapping[str, str]
) -> Iterator[str]:
    pairs = paths.get(settings, _PAIRS)
    numbers = sorted(pairs, key=int) if isinstance(pairs, Mapping) else []
    block = [line for line in lines if line.path[:3] == _FIRST_PAIR]
    for line in lines:
        if line.path[:3] != _FIRST_PAIR:
            yield from _shown(line, line.path, settings, why)
        elif line is block[0]:
            for number in numbers:
                for of_pair in block:
                    path = (*_PAIRS, number, *of_pair.path[3:])
                    is_said_already = number != numbers[0] and not _is_set(of_pair, path, settings)
                    if not is_said_already:
                        yield from _shown(of_pair, path, settings, why, number)


def _is_set(line: ExampleLine, path: Path, settings: Mapping[str, Any]) -> bool:
    return not line.is_comment and paths.get(settings, path) is not None


def _shown(
    line: ExampleLine,
    path: Path,
    settings: Mapping[str, Any],
    why: Mapping[str, str],
    pair: str | None = None,
) -> Iterator[str]:
    value = paths.get(settings, path)
    reason = why.get(".".join(path))
    comment = f" # {reason}" if reason else ""
    name = f'"{pair}"' if pair is not None and len(path) == 3 else line.name
    if line.is_comment:
        yield line.text
    elif value is None:
        body = line.text.lstrip(" ").lstrip("#")
        yield f"{line.indent}#{body}"
    elif line.is_section:
        yield f"{line.indent}{name}:{comment}"
    else:
        yield f"{line.indent}{name}: {_flow(value)}{comment}"


def _flow(value: Any) -> str:
    """A value on one line, quoted where YAML would take it for something else."""
    text = _dumped(value, None)
    is_one_line = len(text.splitlines()) == 1  # in double quotes, line ends are escaped
    return text if is_one_line and yaml_text.reads_as(text, value) else _dumped(value, '"')


def _dumped(value: Any, style: str | None) -> str:
    text = yaml.safe_dump(
        value,
        default_flow_style=True,
        default_style=style,
        width=10_000,
        allow_unicode=style is None,
    )
    return text.removesuffix("\n").removesuffix("\n...")
