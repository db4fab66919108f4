"""Properties of values: what goes through the wire or the state file comes back, secrets stay
secret, and paths say what they mean. Hypothesis makes the values."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import codec, wire
from engine.values import (
    MARKER,
    SECRET,
    UNKNOWN,
    Archive,
    Asset,
    Bytes,
    ResourceRef,
    Secret,
    contains_secret,
    contains_unknown,
    deep_equals,
    number,
    parse_path,
    reset_path,
    unwrap_secrets,
    walk,
)

TEXT = st.text(max_size=8)
KEYS = st.text(max_size=6)
NUMBERS = (st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)).map(
    number
)
ASSETS = st.builds(Asset, text=TEXT, hash=TEXT) | st.builds(Asset, path=TEXT, hash=TEXT)
SPECIAL = (
    ASSETS
    | st.builds(Archive, assets=st.dictionaries(KEYS, ASSETS, max_size=2), hash=TEXT)
    | st.builds(Bytes, st.binary(max_size=8))
    | st.builds(ResourceRef, TEXT, st.none() | st.text(min_size=1, max_size=4), TEXT)
)
LEAVES = st.none() | st.booleans() | NUMBERS | TEXT | SPECIAL


def trees(leaves: st.SearchStrategy[Any], secrets: bool = True) -> st.SearchStrategy[Any]:
    def around(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        found = st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3)
        # A secret in a secret is one secret: on the wire it is told once.
        plain = inner.filter(lambda value: not isinstance(value, Secret))
        return found | st.builds(Secret, plain) if secrets else found

    return st.recursive(leaves, around, max_leaves=12)


VALUES = trees(LEAVES)
PROPS = st.dictionaries(KEYS, VALUES, max_size=4)


@given(PROPS)
def test_what_goes_over_the_wire_comes_back(props: dict[str, Any]) -> None:
    assert wire.from_struct(wire.to_struct(props, "keep", references=True)) == props


@given(PROPS)
def test_stripped_of_its_secrets_a_value_is_otherwise_the_same(props: dict[str, Any]) -> None:
    found = wire.from_struct(wire.to_struct(props, "strip", references=True))
    assert found == unwrap_secrets(props)
    assert not contains_secret(found)


@given(trees(LEAVES | st.just(UNKNOWN)))
def test_what_is_unknown_stays_unknown_on_the_wire(value: Any) -> None:
    found = wire.from_struct(wire.to_struct({"v": value}, "keep", references=True))
    assert contains_unknown(found) == contains_unknown(value)


@given(PROPS)
def test_what_is_stored_comes_back(props: dict[str, Any]) -> None:
    vault: list[str] = []

    def seal(text: str, _place: codec.Place) -> Any:
        vault.append(text)
        return {MARKER: SECRET, "ciphertext": str(len(vault) - 1)}

    stored = json.loads(json.dumps(codec.encode(props, seal)))
    assert codec.decode(stored, lambda number, _place: vault[int(number)]) == props


@given(trees(LEAVES, secrets=False), st.uuids())
def test_no_part_of_a_secret_is_stored_or_shown(value: Any, word: Any) -> None:
    """The word stands for a password anywhere in the tree below a secret."""
    secret = {"public": value, "hidden": Secret({"deep": [value, str(word)]})}
    shown = [codec.encode(secret, codec.hide), wire.encode(secret, "hide")]
    assert str(word) not in json.dumps(shown, default=str)
    assert str(word) not in repr(secret)


@given(VALUES)
def test_a_value_equals_itself_unless_it_is_unknown(value: Any) -> None:
    assert deep_equals(value, value)
    assert deep_equals({"v": value, "empty": None}, {"v": value})


@given(trees(LEAVES | st.just(UNKNOWN)))
def test_what_holds_an_unknown_equals_nothing(value: Any) -> None:
    if any(item is UNKNOWN for item in walk(value)):
        assert not deep_equals(value, value)


@pytest.mark.parametrize(
    ("given_", "printed"),
    [(3.0, "3"), (2.5, "2.5"), (-0.0, "0"), (5.271585494579371e16, "52715854945793710")],
)
def test_an_integral_number_is_held_as_the_state_file_prints_it(
    given_: float, printed: str
) -> None:
    assert str(number(given_)) == printed


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("a.b[0].c", ("a", "b", 0, "c")),
        ('["k.x"]', ("k.x",)),
        ('a["say \\"so\\""][*]', ("a", 'say "so"', "*")),
    ],
)
def test_a_path_is_read_part_by_part(text: str, path: tuple[str | int, ...]) -> None:
    assert parse_path(text) == path


@pytest.mark.parametrize("text", ["a[", "a[x]", 'a["', "[-1]", "a..b"])
def test_a_malformed_path_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="malformed property path"):
        parse_path(text)


@given(
    st.dictionaries(KEYS, trees(LEAVES, secrets=False), max_size=3),
    st.dictionaries(KEYS, trees(LEAVES, secrets=False), max_size=3),
    KEYS.filter(lambda key: key != "*"),
)
def test_an_ignored_key_is_as_it_was_and_no_other_changes(
    old: dict[str, Any], new: dict[str, Any], key: str
) -> None:
    found, done = reset_path(old, new, (key,))
    assert done
    assert found.get(key) == old.get(key)
    assert {k: v for k, v in found.items() if k != key} == {
        k: v for k, v in new.items() if k != key
    }


@pytest.mark.parametrize(
    ("old", "new", "path", "found", "done"),
    [  # Measured: what `ignoreChanges` does in Pulumi 3.260.0
        ({"a": [1, 2]}, {"a": [3, 4]}, "a[0]", {"a": [1, 4]}, True),
        ({"a": [1, 2]}, {"a": [3]}, "a[1]", {"a": [3]}, False),
        ({"a": [1]}, {"a": [2]}, "a[5]", {"a": [2]}, True),
        ({"a": [{"b": 1}]}, {"a": [{"b": 2}]}, "a[5].b", {"a": [{"b": 2}]}, False),
        ({"a": [{"b": 1}, {}]}, {"a": [{"b": 2}]}, "a[*].b", {"a": [{"b": 1}]}, False),
        ({"a": {"b": 1}}, {"a": 2}, "a.b", {"a": 2}, False),
        ({"a": 1}, {"a": 2}, "a.b", {"a": 2}, True),
        ({}, {"a": {"b": 1}}, "a.b", {"a": {}}, True),
        ({"a": {"b": 1}}, {}, "a.b", {}, False),
        ({"a": 1, "b": 2}, {"a": 3, "c": 4}, "*", {"a": 1, "b": 2}, True),
        # What lay in a secret doesn't come out of it.
        (
            {"a": Secret({"b": 1})},
            {"a": {"b": 2, "c": 3}},
            "a.b",
            {"a": {"b": Secret(1), "c": 3}},
            True,
        ),
        ({"a": Secret([1])}, {"a": [2]}, "a[*]", {"a": [Secret(1)]}, True),
        ({"a": Secret({"b": 1})}, {"a": Secret({"b": 2})}, "a.b", {"a": Secret({"b": 1})}, True),
    ],
)
def test_an_ignored_place_is_put_back_as_the_cli_does(
    old: Any, new: Any, path: str, found: Any, done: bool
) -> None:
    assert reset_path(old, new, parse_path(path)) == (found, done)
