"""What a first sync would take, from the vendor's own figures. Pure.

Source: deployment: 30 to 40 minutes and 2 GB of Redis for 1,000 agents (at 5 calls a second).
Inferred: that both grow with the agents; what a sync is made of isn't public.
"""

from __future__ import annotations

from dataclasses import dataclass

import vendor_facts as vendor

REQUESTS_PER_MINUTE = 300
"""Source: Genesys Cloud developer center, "Rate Limits", for one client's token."""
VENDORS_AGENTS = 1000


@dataclass(frozen=True)
class Estimate:
    """Ranges, least and most, for so many persons and objects in all."""

    persons: int
    objects: int
    seconds: tuple[int, int]
    requests: tuple[int, int]
    redis_gb: float
    deadline_seconds: float
    is_deadline_enough: bool


def estimated(persons: int, objects: int, deadline_seconds: float) -> Estimate:
    """`objects`: all that would be made in Genesys Cloud, persons among them. No sync is faster
    than one request an object at the API's rate."""
    at_least = objects * 60 / REQUESTS_PER_MINUTE
    least, most = (
        round(max(seconds * persons / VENDORS_AGENTS, at_least))
        for seconds in vendor.FIRST_SYNC_SECONDS
    )
    share = max(1.0, persons / VENDORS_AGENTS)
    return Estimate(
        persons,
        objects,
        (least, most),
        (least * REQUESTS_PER_MINUTE // 60, most * REQUESTS_PER_MINUTE // 60),
        round(vendor.REDIS_MEMORY_GB * share, 1),
        deadline_seconds,
        deadline_seconds >= most,
    )
