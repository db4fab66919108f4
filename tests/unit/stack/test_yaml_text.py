"""Stack files are read as the Pulumi CLI reads them, or refused; no password is in a refusal."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from exctl.pulumi.process import cli_path
from stack import yaml_text
from stack.yaml_text import NotReadable

TAKEN_DIFFERENTLY = (
    "on|off|yes|no|y|N|On|YES|1e3|1.5e3|2e-4|2026-01-01|2026-1-1|2026-01-01T10:00:00Z|0o17|017|089"
    "|0x1F|0b11|1_000|+5|.5|5.|10:20|1:30:00|-0|.inf|-.INF|.nan|12345678901234567890|<<|=|00|1__0"
)
AS_ALL_READ_THEM: dict[str, Any] = {
    "text": "text", "100.0.100.11": "100.0.100.11", "5": 5, "-5": -5, "0": 0, "1.5": 1.5,
    "0.10": 0.1, "true": True, "False": False, "null": None, "~": None, "": None, "'on'": "on",
    '"1e3"': "1e3", "a: b": {"a": "b"}, "[a, 1]": ["a", 1], "{}": {}, "tRUE": "tRUE",
    "1.1.1": "1.1.1",
    "exec_1": "exec_1", "10.0.0.3:5000/exec": "10.0.0.3:5000/exec", "2001:db8::1": "2001:db8::1",
}  # fmt: skip


def problems(text: str) -> list[str]:
    with pytest.raises(NotReadable) as found:
        yaml_text.settings_in(text)
    return [str(problem) for problem in found.value.problems]


@pytest.mark.parametrize("text", TAKEN_DIFFERENTLY.split("|"))
def test_what_readers_of_yaml_take_differently_is_refused_with_its_place(text: str) -> None:
    (problem,) = problems(f"config:\n  exec:excs:\n    tag: {text}\n")
    assert problem.startswith(f"excs.tag: line 3 has {text}, which ")
    assert "quotes" in problem


@pytest.mark.parametrize("text", AS_ALL_READ_THEM)
def test_what_all_readers_take_alike_is_read(text: str) -> None:
    assert yaml_text.read_value(text) == AS_ALL_READ_THEM[text]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: {b: 1, c: 2, b: 3}", "exec:a.b: is set twice, in lines 1 and 1; keep one of them"),
        ("a: &x {b: 1}\nc: *x", "c: line 2 has an alias (*name); write the value out"),
        ("a: &x [*x]", "a.1: line 1 has an alias (*name); write the value out"),
        ("a: !!str 1", "a: line 1 has a value, which has a tag (!…) before it; leave the tag out"),
        ('a: "\\nb"', "a: line 1 has a value, which begins with a line break, and Pulumi drops"
         " that; leave it out"),
        ("a: !x {}", "a: line 1 has a tag (!…); leave it out"),
        ("{true: 1}", "line 1 has a name that is not a text; put it in quotes"),
        ('"<<": 1', "line 1 has the name <<, which not all YAML parsers read as a name"),
        ("? [a]\n: b", "line 1 has a name that is not a text"),
        ("a: 1\n---\nb: 2", "line 2: a second document begins; Pulumi reads one"),
        ("a: 'b", "line 1, column 6: is not YAML: found unexpected end of stream"),
        ("[" * 500, "line 1: sections are nested more than 20 deep"),
        ("a\0b", "holds characters that no text has (NUL or other control characters)"),
        ("- a", "is not made of sections; it begins with `config:`"),
    ],
)  # fmt: skip
def test_what_isnt_a_stack_file_is_refused_by_its_place(text: str, problem: str) -> None:
    with pytest.raises(NotReadable) as found:
        yaml_text.read(text)
    assert str(found.value.problems[0]) == problem.removeprefix("exec:")


def test_a_name_without_namespace_is_refused_as_it_is_another_one_for_others() -> None:
    assert problems("config: {tenant: {}}") == [
        "tenant: must be written with its namespace, exec:tenant"
    ]


@pytest.mark.parametrize(
    "line",
    ["exec:oauthClientSecret: @S3cr3t-pw", "exec:redisPassword: 'S3cr3t-pw", "S3cr3t-pw",
     "exec:excs: {environment: {A: 2026-01-01, S3cr3t-pw}}", "exec:redisPassword: !S3cr3t-pw x"],
)  # fmt: skip
def test_no_line_of_a_file_is_in_an_error(line: str) -> None:
    assert "S3cr3t" not in " ".join(problems(f"config:\n  {line}\n"))
    assert "2026" not in " ".join(problems(f"config:\n  {line}\n"))


def test_all_problems_come_at_once() -> None:
    assert len(problems("config:\n  exec:a: {b: on, c: 1e3, d: 1, d: 2}\n")) == 3


PULUMI = cli_path()
SCALARS = st.one_of(
    st.sampled_from([*TAKEN_DIFFERENTLY.split("|"), *AS_ALL_READ_THEM]),
    st.from_regex(r"[-+]?[0-9._:eExXoObB]{1,8}", fullmatch=True),
    st.text(st.characters(min_codepoint=32, max_codepoint=0x2FFF), max_size=12),
    st.integers().map(str),
    st.floats().map(str),
    st.dates().map(str),
)
TEXTS = st.one_of(st.text(max_size=20), st.text(max_size=5).map(lambda text: f"\n{text}"))
VALUES = st.recursive(
    st.one_of(SCALARS.map(lambda text: ("plain", text)), TEXTS),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(SCALARS, inner, max_size=3)
    ),
    max_leaves=5,
)
STYLES = st.sampled_from([None, "'", '"', "|", ">"])


@st.composite
def written(draw: st.DrawFn) -> str:
    """A value in some way of writing it, plain ones as they stand, in block or flow style."""
    value = draw(VALUES)
    if isinstance(value, tuple):
        return str(value[1])

    def bare(value: Any) -> Any:
        match value:
            case tuple():
                return value[1]
            case list():
                return [bare(item) for item in value]
            case dict():
                return {key: bare(item) for key, item in value.items()}
        return value

    style, flow = draw(STYLES), draw(st.booleans())
    text: str = yaml.dump(
        bare(value), default_style=style, default_flow_style=flow, allow_unicode=draw(st.booleans())
    )
    return text.removesuffix("...\n")


def entry(number: int, text: str) -> str:
    lines = text.split("\n")
    return "\n".join([f"  exec:k{number}:", *(f"    {line}" for line in lines)]) + "\n"


def is_readable(text: str) -> bool:
    try:
        yaml_text.settings_in(text)
    except NotReadable:
        return False
    return True


def asked_of_pulumi(texts: Sequence[str], project: Path) -> dict[str, Any]:
    (project / "Pulumi.yaml").write_text("name: exec\nruntime: python\n")
    (project / "state").mkdir(exist_ok=True)
    environment = {
        **os.environ, "PULUMI_BACKEND_URL": f"file://{project}/state",
        "PULUMI_CONFIG_PASSPHRASE": "",
        "PULUMI_SKIP_UPDATE_CHECK": "1", "PULUMI_HOME": str(project / "home"),
    }  # fmt: skip
    assert PULUMI is not None
    if not list(project.glob("state/.pulumi/stacks/**/s.json")):
        (project / "Pulumi.s.yaml").write_text("")
        subprocess.run([PULUMI, "stack", "init", "s"], cwd=project, env=environment, check=True)
    (project / "Pulumi.s.yaml").write_text("config:\n" + "".join(texts), "utf-8")
    command = [PULUMI, "config", "--json", "--stack", "s"]
    run = subprocess.run(
        command, cwd=project, env=environment, capture_output=True, encoding="utf-8", check=False
    )
    assert run.returncode == 0, (run.stderr, texts)
    return {
        key: entry.get("objectValue", entry.get("value"))
        for key, entry in json.loads(run.stdout).items()
    }


def as_pulumi_shows(value: Any) -> Any:
    """Single values are texts there."""
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case int():
            return str(value)
        case {"secure": str(), **others} if not others:
            return None
    return value


@pytest.mark.skipif(PULUMI is None, reason="needs the Pulumi CLI")
@settings(
    max_examples=8, deadline=None, suppress_health_check=[*HealthCheck], phases=[Phase.generate]
)
@given(st.lists(written(), min_size=40, max_size=80))
def test_what_is_read_is_what_the_pulumi_cli_reads(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str]
) -> None:
    entries = {f"k{n}": entry(n, text) for n, text in enumerate(texts)}
    known = {name: text for name, text in entries.items() if is_readable("config:\n" + text)}
    ours = yaml_text.settings_in("config:\n  exec:k: 1\n" + "".join(known.values()))
    project = tmp_path_factory.getbasetemp() / "cli"
    project.mkdir(exist_ok=True)
    theirs = asked_of_pulumi(["  exec:k: 1\n", *known.values()], project)
    assert {name.removeprefix("exec:") for name in theirs} == set(ours)
    for name, value in ours.items():
        shown, found = as_pulumi_shows(value), theirs[f"exec:{name}"]
        if isinstance(shown, float):
            shown, found = float(shown), float(found)
        assert found == shown, known.get(name)
