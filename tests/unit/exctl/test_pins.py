"""When a rollback names a digest, and what becomes of one in a stack file.

That the pinned image runs, with the registry down, is a story in tests/lab.
"""

from __future__ import annotations

import pytest

from config_schema import ExecConfig
from exctl.releases.pins import (
    InRegistry,
    OnHost,
    is_pin_needed,
    left_behind,
    out_of_reach,
    with_pins,
    without_pins,
)
from stack.layout import build_layout
from tests.unit.stack_file import CLONE, StackFile, problem

OLD, NEW = f"sha256:{'a' * 64}", f"sha256:{'b' * 64}"
DOWN = InRegistry(False)
FOLLOWS = OnHost("h1", frozenset([OLD]), has_wanted=True)
MOVED = OnHost("h2", frozenset([NEW]), has_wanted=True)
UNTAGGED = OnHost("h3", None, has_wanted=True)
WITHOUT = OnHost("h4", None, has_wanted=False)
TEXT = (CLONE / "Pulumi.dev.yaml").read_text()
EXCS, PAIR = ("excs",), ("excp", "pairs", "1")


@pytest.mark.parametrize(
    ("hosts", "registry", "is_needed"),
    [
        ([FOLLOWS], DOWN, False),
        ([FOLLOWS], InRegistry(True, OLD, True), False),
        ([FOLLOWS], InRegistry(True, None, True), False),
        ([FOLLOWS], InRegistry(True, NEW, True), True),
        ([FOLLOWS, MOVED], DOWN, True),
        ([FOLLOWS, UNTAGGED], DOWN, True),
        ([WITHOUT], InRegistry(True, OLD, True), False),
        ([WITHOUT], InRegistry(True, NEW, True), True),
    ],
)
def test_a_digest_is_named_exactly_where_the_tag_leads_elsewhere(
    hosts: list[OnHost], registry: InRegistry, is_needed: bool
) -> None:
    assert is_pin_needed(OLD, hosts, registry) is is_needed


@pytest.mark.parametrize(
    ("hosts", "registry", "missing"),
    [
        ([MOVED, UNTAGGED], DOWN, []),
        ([MOVED, WITHOUT], DOWN, ["h4"]),
        ([WITHOUT], InRegistry(True, NEW, True), []),
        ([WITHOUT], InRegistry(True, NEW, False), ["h4"]),
    ],
)
def test_a_host_that_can_have_the_image_from_nowhere_is_named(
    hosts: list[OnHost], registry: InRegistry, missing: list[str]
) -> None:
    assert out_of_reach(hosts, registry) == missing


def test_a_pin_stands_behind_its_tag_and_goes_without_a_trace() -> None:
    pinned = with_pins(TEXT, {PAIR: OLD})
    assert f"        tag: 100.0.100.11\n        digest: {OLD}\n        voice" in pinned
    assert without_pins(pinned, [PAIR, EXCS]) == TEXT


def test_a_pin_that_is_left_beside_another_tag_is_found() -> None:
    before = with_pins(TEXT, {PAIR: OLD})
    edited = before.replace("        tag: 100.0.100.11", "        tag: 100.0.100.12")
    assert left_behind(before, edited, [EXCS, PAIR]) == [PAIR]
    assert left_behind(before, edited.replace(OLD, NEW), [EXCS, PAIR]) == []
    assert left_behind(before, before, [EXCS, PAIR]) == []
    assert left_behind(before, without_pins(edited, [PAIR]), [EXCS, PAIR]) == []


def layout_of(config: ExecConfig) -> dict[str, tuple[str, str, str]]:
    return {i.key: (i.image, i.tag, i.spec_hash) for i in build_layout(config, "dev").instances}


def test_docker_is_told_the_digest_alone_and_to_pin_what_runs_replaces_nothing() -> None:
    plain = layout_of(StackFile().config())
    pinned = layout_of(StackFile().put("excs.digest", OLD).config())
    assert pinned["excs"][0] == f"10.77.0.10:5000/exec/excs@{OLD}"
    assert pinned["excs"][1:] == plain["excs"][1:]
    assert {k: v for k, v in pinned.items() if k != "excs"} == {
        k: v for k, v in plain.items() if k != "excs"
    }


def test_a_digest_that_is_none_is_refused() -> None:
    assert StackFile().put("excs.digest", "sha256:12").problems() == [
        problem(
            "excs.digest",
            "'sha256:12' is not an image's digest: sha256: and 64 digits from 0 to f, as"
            " `exctl images list` shows it",
        )
    ]
