"""What a plan means for those who are served: guards that will refuse, pairs that go down, what
answers 503 for want of EXCS. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from health.errors import GateFailure
from health.gates.guard import refusal, rule_of
from health.pair import in_order, may_go
from health.verdict import UNJUDGED, Verdict
from stack.layout import Instance, Layout


@dataclass(frozen=True)
class Outlook:
    """How the instances of pairs are before a run, and what the run brings.

    `verdicts`: as far as they were asked. `brought`: the keys of the instances that this run starts
    or replaces. `allow_outage`: the operator has overruled the guards.
    """

    verdicts: Mapping[str, Verdict] = field(default_factory=dict)
    brought: frozenset[str] = frozenset()
    allow_outage: bool = False

    def may_serve(self, key: str) -> bool:
        """Whether it serves, as far as it was asked at all."""
        verdict = self.verdicts.get(key)
        return verdict is None or verdict.is_healthy

    def order(self, members: Sequence[Instance]) -> list[Instance]:
        """The instances of a pair; first the one that doesn't serve, as the program puts it."""
        known = {i.key: self.verdicts[i.key] for i in members if i.key in self.verdicts}
        if len(known) < len(members):
            return list(members)
        by_key = {member.key: member for member in members}
        return [by_key[key] for key in in_order(known)]

    def is_mended_first(self, instance: Instance, peer: Instance) -> bool:
        """Whether the run brings the peer before it touches the instance."""
        first = self.order(sorted((instance, peer), key=lambda i: i.key))[0]
        return peer.key in self.brought and first == peer

    def failure(self, instance: Instance, peer: Instance) -> GateFailure | None:
        """What the guard will say, if it will refuse; None where nothing was asked, or it passes.

        A peer that couldn't be asked may serve or not, and for the guard it doesn't.
        """
        own = self.verdicts.get(instance.key)
        if own is None or self.is_mended_first(instance, peer):
            return None
        other = self.verdicts.get(peer.key, UNJUDGED)
        if may_go(own, other):
            return None
        return refusal(rule_of(instance, peer), own, other).failure

    def meanwhile(self, instance: Instance, peer: Instance) -> str:
        """What a pair's users miss while an instance is replaced."""
        own, other = self.verdicts.get(instance.key), self.verdicts.get(peer.key)
        if self.failure(instance, peer) is not None:
            why = "is in `stopped`" if peer.is_stopped else f"does not serve ({other or UNJUDGED})"
            if self.allow_outage:
                return f"THE PAIR IS DOWN meanwhile, since {peer.key} {why}"
            return f"its guard will refuse, since {peer.key} {why}"
        if own is None and peer.is_stopped:
            return "the pair is down meanwhile"
        if own is None or (other is not None and other.is_healthy):
            return f"{peer.key} serves meanwhile"
        if own.is_gone:
            return "it does not serve now"
        if self.is_mended_first(instance, peer):
            return f"only once {peer.key} is healthy, which serves meanwhile"
        return f"neither it nor {peer.key} is healthy now"


def outages(layout: Layout, outlook: Outlook, removed: Collection[str]) -> list[str]:
    """The pairs that serve now, or may, and don't once these instances are gone; each in words.

    A pair that the stack file no longer has goes with its last instance.
    """
    found = []
    for number in dict.fromkeys(key.split("-")[1] for key in removed if key.startswith("excp-")):
        keys = [f"excp-{number}-1", f"excp-{number}-2"]
        there = {i.key for i in layout.running if i.pair == number}
        serving = [key for key in keys if not _is_down(outlook.verdicts.get(key))]
        left = [
            key for key in keys if key not in removed and key in there and _will_serve(key, outlook)
        ]
        if left or not set(serving) & set(removed):
            continue
        gone = " and ".join(key for key in keys if key in removed)
        others = [key for key in keys if key not in removed and key in there]
        why = "".join(f", and {key} isn't known to serve" for key in others)
        found.append(f"pair {number} stays down afterwards: no container of {gone} is left{why}")
    return found


def _is_down(verdict: Verdict | None) -> bool:
    return verdict is not None and verdict.is_gone


def _will_serve(key: str, outlook: Outlook) -> bool:
    verdict = outlook.verdicts.get(key)
    return key in outlook.brought or (verdict is not None and verdict.is_healthy)


def without_excs(layout: Layout) -> str:
    """Who may answer 503 while EXCS is away: `exas and pairs 1, 2`; '' if nobody is there.

    Source: product facts; EXAS and EXCP ask EXCS while they run, and the vendor says nothing of
    what their /health makes of its absence.
    """
    pairs = list(dict.fromkeys(i.pair for i in layout.running if i.pair is not None))
    names = [i.key for i in layout.running if i.service == "exas"]
    if pairs:
        names.append(f"pair{'s' * (len(pairs) > 1)} {', '.join(pairs)}")
    return " and ".join(names)
