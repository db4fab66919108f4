"""Which instance of a pair goes first: the one whose loss costs least. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from health.verdict import Verdict, VerdictKind

FIRST_VARIABLE = "EXEC_PAIR_FIRST"
"""Keys of instances that go before their peers in this run, with commas between them. exctl sets
it from what it finds; with plain `pulumi up` the operator does. In the environment and not in the
config: it is true for one run."""


def rank(verdict: Verdict) -> int:
    """How much would be lost with the instance: 0 is certainly nothing, 3 a healthy one. What isn't
    known may well serve, and ranks below healthy alone."""
    if verdict.is_gone:
        return 0
    return {VerdictKind.HEALTHY: 3, VerdictKind.UNHEALTHY: 1}.get(verdict.kind, 2)


def in_order(verdicts: Mapping[str, Verdict]) -> tuple[str, ...]:
    """The keys of a pair in the order to touch them; where both are alike, the order given."""
    return tuple(sorted(verdicts, key=lambda key: rank(verdicts[key])))


def may_go(own: Verdict, peer: Verdict) -> bool:
    """Whether an instance may be taken: its peer serves, or it certainly doesn't itself, or both
    say alike that they aren't well, so that the pair is no worse for it."""
    if peer.is_healthy or own.is_gone:
        return True
    return own.kind is peer.kind is VerdictKind.UNHEALTHY


def put_first(keys: Sequence[str], wanted: str) -> list[str]:
    """The keys, those before the others that `wanted` (the variable's value) names."""
    first = {name.strip() for name in wanted.split(",")}
    return sorted(keys, key=lambda key: key not in first)
