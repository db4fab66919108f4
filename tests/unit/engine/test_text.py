"""Texts that others read by program."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.text import shell_word


@pytest.mark.parametrize(
    ("text", "word"),
    [  # Measured: `stack output --shell` of Pulumi 3.260.0
        ("plain", "plain"),
        ("", "''"),
        ("a&b", "a\\&b"),
        ("~/x~", "\\~/x~"),
        ("two words", "'two words'"),
        ("it's a $word", "'it'\\''s a $word'"),
        ("it's", "it\\'s"),
        ('{"a":1}', '\\{\\"a\\":1}'),
    ],
)
def test_a_word_is_quoted_as_the_cli_quotes_it(text: str, word: str) -> None:
    assert shell_word(text) == word


@given(st.text(st.characters(codec="ascii", exclude_categories=["Cc"])))
def test_a_shell_reads_a_quoted_word_as_it_was(text: str) -> None:
    assert shlex.split(f"name={shell_word(text)}") == [f"name={text}"]
