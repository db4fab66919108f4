"""The text of a new stack file: what was set, at its place in the manual, read back the same."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml
from hypothesis import assume, example, given
from hypothesis import settings as limits
from hypothesis import strategies as st

from exctl.stackfile.template import rendered, without_empty
from tests.unit.stack_file import CLONE

EXAMPLE = (CLONE / "Pulumi.example.yaml").read_text()
COMMENTED = re.compile(r"^(\s*)#(?=[a-z_:]+:( |$))", re.MULTILINE)


def settings_of(text: str) -> dict[str, Any]:
    found = yaml.safe_load(text)["config"]
    return {name.removeprefix("exec:"): value for name, value in found.items()}


EVERYTHING = settings_of(COMMENTED.sub(r"\1", EXAMPLE))
MANDATORY = settings_of(EXAMPLE)


def test_every_setting_has_its_place() -> None:
    wanted = without_empty(EVERYTHING)
    assert settings_of(rendered(EXAMPLE, EVERYTHING)) == wanted


def test_what_is_not_set_stays_a_comment_with_its_default() -> None:
    text = rendered(EXAMPLE, MANDATORY)
    assert text.count("#") == EXAMPLE.partition("\nconfig:\n")[2].count("#")
    assert "    #region: mypurecloud.com" in text


def test_an_optional_setting_opens_the_sections_around_it() -> None:
    settings = MANDATORY | {"excs": MANDATORY["excs"] | {"resources": {"cpus": 2}}}
    text = rendered(EXAMPLE, settings)
    assert "    resources:\n      # memory limit" in text
    assert "      #memory_mib: 4096\n" in text
    assert "      cpus: 2\n" in text


def test_only_the_first_pair_is_explained() -> None:
    pair = MANDATORY["excp"]["pairs"]["1"]
    settings = MANDATORY | {"excp": {"pairs": {"10": pair, "2": pair}}}
    text = rendered(EXAMPLE, settings)
    assert list(settings_of(text)["excp"]["pairs"]) == ["2", "10"]
    second = text[text.index('      "10":') : text.index("  # checks before")]
    assert "#" not in second
    assert text.count("# the pair's two hosts") == 1


def test_head_salt_and_ciphertexts_have_their_places() -> None:
    text = rendered(EXAMPLE, MANDATORY, "Hello\nthere", "v1:s", {"redisPassword": "v1:a:b"})
    assert text.startswith("# Hello\n# there\nencryptionsalt: v1:s\nconfig:\n")
    assert text.endswith("  exec:redisPassword:\n    secure: v1:a:b\n")


def test_a_setting_without_a_place_is_an_error_and_not_lost() -> None:
    with pytest.raises(ValueError, match="no line for all of redis"):
        rendered(EXAMPLE, MANDATORY | {"redis": {"host": "h", "invented": 1}})


@limits(max_examples=25, deadline=None)  # each reads the whole manual
@example("\x85")
@example("a\u2028b\n")
@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cs"])))
def test_any_text_comes_back_as_it_was(text: str) -> None:
    assume(not text.startswith("\n"))  # refused in every stack file: Pulumi would drop that
    settings = MANDATORY | {"excs": MANDATORY["excs"] | {"gc_queue_name_suffix": text}}
    assert settings_of(rendered(EXAMPLE, settings))["excs"]["gc_queue_name_suffix"] == text
