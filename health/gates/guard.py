"""PairGuard: refuses to take the last healthy instance of a pair."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from health.errors import GateError
from health.gates.clock import Clock
from health.gates.health import Report
from health.probe import Answer, Probe

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
    peer_stopped: bool = False
    """The peer is in `stopped`: that it doesn't answer is meant, but it can't take over either."""


def refuse_to_take_the_last(
    rule: GuardRule, probe: Probe, clock: Clock, report: Report, allow_outage: bool
) -> None:
    """Returns if touching the instance leaves its pair no worse served than it was.

    That is so if the peer answers 200, or if this instance doesn't serve anyway: on the first
    deployment, or when a broken one is put right.

    Raises GateError if this instance alone of its pair serves, unless `allow_outage`.
    """
    own, peer = _ask_both(rule, probe, clock)
    if peer.is_ok:
        report(f"{rule.instance}: guard passed: its peer {rule.peer} serves")
    elif not own.is_ok:
        report(f"{rule.instance}: guard passed: it does not serve ({own}), so nothing is lost")
    elif allow_outage:
        report(
            f"{rule.instance}: guard overruled by --allow-outage: its peer {rule.peer} does not"
            f" serve ({peer}), so pair {rule.pair} is down until {rule.instance} is healthy again"
        )
    else:
        raise _refusal(rule, peer)


def _ask_both(rule: GuardRule, probe: Probe, clock: Clock) -> tuple[Answer, Answer]:
    """The best answers of this instance and of its peer in up to three rounds."""
    own = peer = Answer(None, error="not asked")
    for round_number in range(ROUNDS):
        if round_number:
            clock.sleep(ROUND_INTERVAL_SECONDS)
        peer = _best(probe, rule.peer_urls)
        if not own.is_ok:
            own = _best(probe, rule.urls)
        # Nothing listens there: certain, so the first deployment of a pair doesn't wait.
        if peer.is_ok or own.is_refused:
            break
    return own, peer


def _best(probe: Probe, urls: Sequence[str]) -> Answer:
    answers = [probe(url) for url in urls]
    doubtful = [answer for answer in answers if not answer.is_refused]
    serving = [answer for answer in answers if answer.is_ok]
    return (serving or doubtful or answers)[0]


def _refusal(rule: GuardRule, peer: Answer) -> GateError:
    if rule.peer_stopped:
        found = f"{rule.peer} is in `stopped` and does not serve ({peer})"
        remedy = f"Take {rule.peer} out of `stopped`"
    else:
        found = f"{rule.peer} does not serve ({peer})"
        remedy = f"Put {rule.peer} right"
    return GateError(
        f"{rule.instance} was not touched: its peer {found}, so {rule.instance} is the last that"
        f" serves pair {rule.pair}.",
        [
            f"asked: {', '.join(rule.peer_urls)}",
            f"{rule.instance} keeps serving as it was.",
            f"{remedy} and run `exctl up` again.",
            "To go on all the same and have the pair down meanwhile: `exctl up --allow-outage`"
            " (EXEC_ALLOW_OUTAGE=1 with plain pulumi).",
        ],
    )
