"""Proves how settings are read and edited; the scalar table was seen on the Pulumi CLI."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine.project import ProjectError, load_project
from engine.stackfile import StackFile, value_at, with_declared
from engine.yamltext import YamlError, as_text, load

SCALARS = [
    ("yes", "yes"),
    ("on", "on"),
    ("true", "true"),
    ("0123", "83"),
    ("0o17", "15"),
    ("0x1F", "31"),
    ("1.10", "1.1"),
    ("1e3", "1000"),
    ("null", ""),
    ("~", ""),
    ("2020-01-01", "2020-01-01 00:00:00 +0000 UTC"),
    ("123456789012345678901234567890", "123456789012345678901234567890"),
    ("100.0.100.11", "100.0.100.11"),
    ('"0123"', "0123"),
    ("-5", "-5"),
    ("1_000", "1000"),
]


@pytest.mark.parametrize(("written", "seen"), SCALARS)
def test_a_scalar_reaches_the_program_as_with_the_cli(written: str, seen: str) -> None:
    assert as_text(load(f"k: {written}", "f")["k"]) == seen


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "Pulumi.yaml").write_text("name: p\nruntime: python\n")
    return tmp_path


def stack_file(folder: Path, text: str = "") -> StackFile:
    project = load_project(folder)
    path = project.stack_file("dev")
    if text:
        path.write_text(text)
    return StackFile(path, project)


TEXT = """\
# about this stack
encryptionsalt: v1:salt
config:
  # what it is for
  p:first: one   # beside
  p:obj:
    list:
      - name: n0
  other: {secure: v1:abc}
"""


def test_an_edit_keeps_comments_order_and_the_rest(folder: Path) -> None:
    file = stack_file(folder, TEXT)
    file.set("p:obj", ("list", 1, "name"), "n1")
    file.set("p:first", (), "two")
    text = file.path.read_text()
    assert text == (
        TEXT.replace("one   # beside", "two   # beside").replace(
            "      - name: n0\n", "      - name: n0\n      - name: n1\n"
        )
    )


def test_keys_without_a_namespace_are_the_projects_own(folder: Path) -> None:
    file = stack_file(folder, "config:\n  a: 1\n  ns:config:b: 2\n")
    assert file.config == {"p:a": 1, "ns:b": 2}
    file.set("p:a", (), "3")
    assert file.path.read_text() == 'config:\n  a: "3"\n  ns:config:b: 2\n'


def test_what_looks_like_a_number_is_quoted_when_set(folder: Path) -> None:
    file = stack_file(folder)
    file.set("p:a", (), "0123")
    assert file.config["p:a"] == "0123"


def test_a_list_grows_by_one_at_most(folder: Path) -> None:
    file = stack_file(folder, TEXT)
    with pytest.raises(ProjectError, match="1 items"):
        file.set("p:obj", ("list", 5), "x")


def test_an_object_with_a_secret_inside_is_secret_as_a_whole(folder: Path) -> None:
    file = stack_file(folder, "config:\n  p:o:\n    a: 1\n    pw: {secure: v1:abc}\n")
    value = file.values(lambda _: "open")["p:o"]
    assert value.secret
    assert value.text == '{"a":1,"pw":"open"}'


def test_removing_what_is_not_there_is_no_error(folder: Path) -> None:
    file = stack_file(folder, TEXT)
    file.remove("p:none")
    file.remove("p:obj", ("list", 0))
    assert value_at(file.config["p:obj"], ("list",)) == []


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("secretsprovider: awskms://k\n", "awskms"),
        ("encryptedkey: x\n", "passphrase"),
        ("environment: [e]\n", "ESC"),
        ("nonsense: 1\n", "nonsense"),
        ("config: [1]\n", "mapping"),
    ],
)
def test_what_is_not_supported_is_refused_by_name(folder: Path, text: str, word: str) -> None:
    with pytest.raises(ProjectError, match=word):
        stack_file(folder, text)


def test_broken_yaml_is_told_with_its_file(folder: Path) -> None:
    with pytest.raises(YamlError, match=r"Pulumi\.dev\.yaml"):
        stack_file(folder, "config: {a: [\n")


SCHEMA = """\
name: p
runtime: {name: python, options: {virtualenv: .venv}}
config:
  plain: fallback
  size: {type: integer, default: 3}
  must: {type: string}
  hidden: {type: string, secret: true, default: x}
  flags: {type: array, items: {type: boolean}, default: [true]}
"""


def problems_of(folder: Path, text: str) -> tuple[dict[str, Any], list[str]]:
    (folder / "Pulumi.yaml").write_text(SCHEMA)
    file = stack_file(folder, text)
    values, problems = with_declared(file._project, "dev", file.values(lambda _: "s"))
    return {key: value.text for key, value in values.items()}, problems


def test_declared_defaults_fill_in_and_every_problem_is_told(folder: Path) -> None:
    values, problems = problems_of(folder, "config:\n  size: big\n  flags: [1]\n")
    assert values["p:plain"] == "fallback"
    assert "Stack 'dev' is missing configuration value 'must'" in problems
    assert any("'size' must be of type 'integer'" in p for p in problems)
    assert any("'flags' must be of type 'array'" in p for p in problems)
    assert any("'hidden' must be encrypted" in p for p in problems)


def test_a_number_in_quotes_is_an_integer_too(folder: Path) -> None:
    good = 'config:\n  size: "12"\n  must: m\n  hidden: {secure: v1:a}\n'
    assert problems_of(folder, good)[1] == []


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("name: p\nruntime: nodejs\n", "nodejs"),
        ("name: 'a b'\nruntime: python\n", "name"),
        ("name: p\nruntime: python\nplugins: {providers: []}\n", "plugins"),
        ("name: p\nruntime: python\npackages: {x: y}\n", "packages"),
        ("name: p\nruntime: python\nconfig: {a: {default: 1, value: 2}}\n", "both"),
        ("name: p\nruntime: {name: python, options: {toolchain: uv}}\n", "toolchain"),
    ],
)
def test_a_project_that_cannot_run_here_is_refused_by_name(
    tmp_path: Path, text: str, word: str
) -> None:
    (tmp_path / "Pulumi.yaml").write_text(text)
    with pytest.raises(ProjectError, match=word):
        load_project(tmp_path)
