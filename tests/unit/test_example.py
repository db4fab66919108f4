"""Pulumi.example.yaml is the manual: complete, with the true defaults, valid as it stands."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import yaml
from pydantic import BaseModel

from config_schema import ExecConfig, Pair
from tests.unit.stack_file import CLONE

TEXT = (CLONE / "Pulumi.example.yaml").read_text()
SECTION = re.compile(r"^(\s*)#(?=[a-z_:]+:( |$))", re.MULTILINE)


def read(text: str) -> dict[str, Any]:
    found = yaml.safe_load(text)["config"]
    return {name.removeprefix("exec:"): value for name, value in found.items()}


def model(content: dict[str, Any]) -> ExecConfig:
    return ExecConfig.model_validate_json(json.dumps(content))


def leaves(schema: type[BaseModel], path: str = "") -> Iterator[str]:
    for name, field in schema.model_fields.items():
        here = f"{path}.{name}" if path else name
        annotation = field.annotation
        if here == "excp.pairs":
            yield from leaves(Pair, f"{here}.1")
        elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
            yield from leaves(annotation, here)
        else:
            yield here


def has(content: Any, path: str) -> bool:
    for part in path.split("."):
        if not isinstance(content, dict) or part not in content:
            return False
        content = content[part]
    return True


def test_as_it_stands_it_is_a_valid_stack() -> None:
    assert model(read(TEXT)).excp.pairs["1"].hosts == ["exec-3.example.com", "exec-4.example.com"]


def test_it_names_every_setting() -> None:
    everything = read(SECTION.sub(r"\1", TEXT))
    missing = [path for path in leaves(ExecConfig) if not has(everything, path)]
    assert not missing


def test_what_it_gives_as_a_default_is_the_default() -> None:
    shown = model(read(SECTION.sub(r"\1", TEXT))).model_dump()
    default = model(read(TEXT)).model_dump()

    def differing(a: Any, b: Any, path: str = "") -> Iterator[str]:
        if isinstance(a, dict) and isinstance(b, dict):
            for key in a:
                yield from differing(a[key], b.get(key), f"{path}.{key}")
        # Without a default there is an example, which says 'none: …' or what it is for.
        elif a != b and b is not None:
            yield f"{path}: {a!r} is shown, {b!r} is the default"

    assert not list(differing(shown, default))
