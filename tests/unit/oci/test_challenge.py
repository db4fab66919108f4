"""Challenges: in any order, in one header or several, quoted as they may be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from oci.challenge import Challenge, challenges

BASIC = Challenge("basic", {"realm": "Registry, Realm"})
BEARER = Challenge(
    "bearer",
    {
        "realm": "https://auth.example.com/token?a=1,2",
        "service": "r.example.com",
        "scope": "repository:exec/excs:pull,push",
    },
)
PLAIN = 'Basic realm="Registry, Realm"'
TOKEN = (
    'Bearer realm="https://auth.example.com/token?a=1,2",service="r.example.com",'
    'scope="repository:exec/excs:pull,push"'
)


@pytest.mark.parametrize(
    ("header", "found"),
    [
        (PLAIN, [BASIC]),
        (TOKEN, [BEARER]),
        (f"{PLAIN}, {TOKEN}", [BASIC, BEARER]),
        (f"{TOKEN}, {PLAIN}", [BEARER, BASIC]),
        (f"Negotiate, {TOKEN}", [Challenge("negotiate"), BEARER]),
        ("BASIC REALM=plain", [Challenge("basic", {"realm": "plain"})]),
        (r'Basic realm="a \"b\" c"', [Challenge("basic", {"realm": 'a "b" c'})]),
        ("Basic", [Challenge("basic")]),
        ("", []),
    ],
)
def test_every_challenge_is_read(header: str, found: list[Challenge]) -> None:
    assert challenges(header) == found


@given(some.text(max_size=60))
def test_whatever_a_header_says_ends_in_challenges(header: str) -> None:
    assert isinstance(challenges(header), list)
