"""What a soak does: operations and faults, by chance but the same for the same seed. Pure."""

from __future__ import annotations

import random
from dataclasses import dataclass

PAIR = ("excp-1-1", "excp-1-2")
OPERATIONS = {
    "update": 8,
    "rollback": 3,
    "restart": 3,
    "stop and start": 2,
    "drift repair": 2,
    "no-op up": 1,
}
"""How often each is drawn, against the others."""
BEFORE = ("host without power", "instance hangs", "daemon stopped")
"""Take one instance of the pair away: then the other must be left alone."""
DURING = (
    "registry down",
    "instance crashes at its start",
    "SSH dropped",
    "daemon frozen",
    "Redis restarted and emptied",
    "kill -9",
    "Ctrl-C",
)
"""Come while the operation runs, and take nothing away that answers."""
FAULTY_SHARE = 0.4
LATEST_SECONDS = 12.0


@dataclass(frozen=True)
class Step:
    """One operation; the fault begins so many seconds after it, or before it if that is 0."""

    operation: str
    instance: str
    fault: str | None
    fault_instance: str
    after_seconds: float


def plan(seed: int, count: int) -> list[Step]:
    """The first one is an update without a fault, so that there is something to go back to."""
    chance = random.Random(seed)
    first = Step("update", PAIR[0], None, PAIR[0], 0.0)
    return [first, *(_step(chance) for _ in range(count - 1))][:count]


def _step(chance: random.Random) -> Step:
    operation = chance.choices(list(OPERATIONS), list(OPERATIONS.values()))[0]
    instance, hit = chance.choice(PAIR), chance.choice(PAIR)
    fault, after = None, 0.0
    if chance.random() < FAULTY_SHARE:
        fault = chance.choice(BEFORE + DURING)
        if fault in DURING:
            after = round(chance.uniform(0.5, LATEST_SECONDS), 1)
    if operation in ("stop and start", "drift repair") and fault in BEFORE:
        # These take an instance away by hand: with the other one gone too, that would be an outage
        # of the soak's own making.
        hit = instance
    return Step(operation, instance, fault, hit, after)


def words(step: Step, tag: str) -> list[list[str]]:
    """The operator's commands of a step, one after the other; an update goes to `tag`."""
    pair, host = step.instance.split("-")[1:]
    one = ["excp", "--pair", pair, "--host", host]
    return {
        "update": [["update", "excp", "--tag", tag]],
        "rollback": [["rollback"]],
        "restart": [["restart", "excp", "--pair", pair]],
        "stop and start": [["stop", *one], ["start", *one]],
        "drift repair": [["up"]],
        "no-op up": [["up"]],
    }[step.operation]
