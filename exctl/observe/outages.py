"""What users of a stack miss right now, the worst first; pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from exctl.observe.endpoints import EndpointRow
from health.verdict import VerdictKind

MISSED = {
    "excs": "Engage's changes don't get to Genesys Cloud",
    "exas": "agent states are missed",
    "excp": "calls are missed",
}
"""Source: product facts, HA of EXCP and EXAS."""


def outages(rows: Sequence[EndpointRow]) -> list[str]:
    """Services and pairs that don't serve, then those of which it isn't known, then pairs of which
    one instance serves alone. What is stopped on purpose is no outage."""
    groups: dict[str, list[EndpointRow]] = {}
    for row in rows:
        groups.setdefault(f"pair {row.pair}" if row.pair else row.instance, []).append(row)
    found = [each for name, members in groups.items() for each in _of(name, members)]
    return [said for _, said in sorted(found, key=lambda each: each[0])]


def _of(name: str, members: Sequence[EndpointRow]) -> Iterator[tuple[int, str]]:
    """The rank and the sentence of one service or pair; nothing of one that is well."""
    meant = [row for row in members if not row.is_stopped]
    ill = [row for row in meant if not row.is_healthy]
    if not ill:
        return
    answers = ", ".join(f"{row.instance}: {row.answer}" for row in ill)
    missed = MISSED[ill[0].instance.partition("-")[0]]
    if len(ill) < len(meant):
        alone = next(row.instance for row in meant if row.is_healthy)
        yield 2, f"no redundancy: {alone} serves {name} alone ({answers})"
    elif any(row.verdict is VerdictKind.UNKNOWN for row in ill):
        yield 1, f"may be down: it isn't known whether {name} serves ({answers})"
    else:
        yield 0, f"outage: {name} is down, {missed} ({answers})"
