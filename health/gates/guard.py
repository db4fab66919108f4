"""PairGuard: refuses to take the last healthy instance of a pair."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from health.errors import GateCode, GateError
from health.gates.clock import Clock
from health.gates.events import GuardOverruled, GuardPassed, Report
from health.pair import FIRST_VARIABLE, may_go, rank
from health.verdict import UNJUDGED, InstancePlace, Verdict
from stack.layout import Instance

ROUNDS = 3
ROUND_INTERVAL_SECONDS = 1.0
"""Chosen: one lost answer must neither stop a night's run nor let a pair go down."""


@dataclass(frozen=True)
class GuardRule:
    """An instance about to be touched and its peer.

    Several URLs each where a move to another host or port is under way: what serves now may be
    at the address of the last run.
    """

    instance: str
    pair: str
    urls: tuple[str, ...]
    peer: str
    peer_urls: tuple[str, ...]
    stack: str = ""
    container_name: str = ""
    peer_container_name: str = ""
    peer_stopped: bool = False
    """The peer is in `stopped`: that it doesn't answer is meant, but it can't take over either."""


def rule_of(instance: Instance, peer: Instance) -> GuardRule:
    """The rule of an instance of a pair."""
    assert instance.pair is not None
    return GuardRule(
        instance=instance.key,
        pair=instance.pair,
        urls=(instance.health_url,),
        peer=peer.key,
        peer_urls=(peer.health_url,),
        stack=instance.labels["exec.stack"],
        container_name=instance.container_name,
        peer_container_name=peer.container_name,
        peer_stopped=peer.is_stopped,
    )


def require_serving_peer(
    rule: GuardRule,
    own_places: Sequence[InstancePlace],
    peer_places: Sequence[InstancePlace],
    clock: Clock,
    report: Report,
    allow_outage: bool,
) -> None:
    """Returns if touching the instance leaves its pair no worse served than it was.

    That is so if the peer's own container answers 200, if this instance certainly doesn't serve
    (the first deployment, or a broken one is fixed), or if both say alike that they aren't well.

    Raises GateError otherwise, unless `allow_outage`: what isn't known may well serve.
    """
    own, peer = _ask_both(own_places, peer_places, clock)
    if may_go(own, peer):
        report(GuardPassed(rule.instance, rule.peer, own.kind, peer.kind, str(own)))
    elif allow_outage:
        report(GuardOverruled(rule.instance, rule.peer, rule.pair, peer.kind, str(peer)))
    else:
        raise refusal(rule, own, peer)


def _ask_both(
    own_places: Sequence[InstancePlace], peer_places: Sequence[InstancePlace], clock: Clock
) -> tuple[Verdict, Verdict]:
    """How this instance and its peer are, after up to three rounds: of an instance what would cost
    most, of its peer what it was found as last."""
    own = peer = UNJUDGED
    for round_number in range(ROUNDS):
        if round_number:
            clock.sleep(ROUND_INTERVAL_SECONDS)
        peer = max((place.confirmed(clock.sleep) for place in peer_places), key=rank)
        if peer.is_healthy:
            break
        now = max((place.settled() for place in own_places), key=rank)
        own = now if round_number == 0 else max(own, now, key=rank)
        # Certain, so the first deployment of a pair doesn't wait.
        if own.is_gone:
            break
    return own, peer


def refusal(rule: GuardRule, own: Verdict, peer: Verdict) -> GateError:
    """What is said where an instance may not be touched, as it and its peer were found."""
    stopped = " is in `stopped` and" if rule.peer_stopped else ""
    remedy = f"Take {rule.peer} out of `stopped`" if rule.peer_stopped else f"Fix {rule.peer}"
    if own.is_healthy:
        code = GateCode.LAST_OF_PAIR
        why = f"so {rule.instance} is the last that serves pair {rule.pair}"
    else:
        code = GateCode.IN_DOUBT
        why = f"and {rule.instance} may still serve pair {rule.pair} ({own})"
    return GateError(
        code,
        rule.instance,
        f"{rule.instance} was not touched: its peer {rule.peer}{stopped} does not serve ({peer}),"
        f" {why}.",
        [
            f"asked: {', '.join(rule.peer_urls)}; container of {rule.peer}: {peer.state}",
            f"{rule.instance} stays as it was.",
            f"{remedy} and run `exctl up` again.",
        ],
        [
            f"If this run fixes {rule.peer}, let it go first:"
            f" {FIRST_VARIABLE}={rule.peer} pulumi up (exctl does so automatically).",
            "To go on anyway, with the pair down meanwhile: `exctl up --allow-outage`"
            " (EXEC_ALLOW_OUTAGE=1 with plain pulumi).",
        ],
    )
