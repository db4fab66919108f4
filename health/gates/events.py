"""What gates and guards report while a run goes on: facts, each with the sentence it is shown as.

Where exctl runs Pulumi, a gate prints each as one line of JSON, which exctl reads (`parsed`),
shows and keeps. With plain `pulumi up` nobody reads JSON: there the gate prints the sentence. Which
of the two, the environment says (`EVENTS_VARIABLE`). Rejected: a line with both, which is too long
for a terminal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from health.verdict import VerdictKind
from stack.text import seconds_text

EVENTS_VARIABLE = "EXEC_RUN_EVENTS"
"""`json` where exctl runs Pulumi and reads what gates print."""


@dataclass(frozen=True)
class Healthy:
    instance: str
    seconds: float
    kind: Literal["healthy"] = "healthy"

    def __str__(self) -> str:
        return f"healthy after {self.seconds:.1f} s"


@dataclass(frozen=True)
class NotHealthyYet:
    """`found`: what it answers, in the words of who said it."""

    instance: str
    verdict: VerdictKind
    found: str
    waited_seconds: float
    deadline_seconds: float
    kind: Literal["not_healthy_yet"] = "not_healthy_yet"

    def __str__(self) -> str:
        waited = f"{self.waited_seconds:.0f} of {self.deadline_seconds:.0f} s"
        return f"not healthy yet: {self.found}; {waited}"


@dataclass(frozen=True)
class Syncing:
    """A sync under way; a mark is None until EXCS names it, a rate while nothing moves."""

    instance: str
    found: str
    waited_seconds: float
    previous_hwm: int | None = None
    latest_hwm: int | None = None
    processed_hwm: int | None = None
    objects_a_second: float | None = None
    kind: Literal["syncing"] = "syncing"

    @property
    def percent(self) -> int | None:
        """Of the marks of this sync; None where there is nothing to count."""
        if self.latest_hwm is None or self.processed_hwm is None:
            return None
        before = self.previous_hwm or 0
        whole = self.latest_hwm - before
        if whole <= 0:
            return None
        return max(0, min(100, (self.processed_hwm - before) * 100 // whole))

    @property
    def left_seconds(self) -> float | None:
        """None where nothing moves or nothing is left."""
        if self.latest_hwm is None or self.processed_hwm is None or not self.objects_a_second:
            return None
        left = self.latest_hwm - self.processed_hwm
        return left / self.objects_a_second if left > 0 else None

    @property
    def marks(self) -> str:
        """`HWM 193 of 567`; '' before any mark."""
        if self.latest_hwm is None or self.processed_hwm is None:
            return ""
        return f"HWM {self.processed_hwm} of {self.latest_hwm}"

    @property
    def done(self) -> str:
        """`34% (HWM 193 of 567)`; '' before any mark."""
        return self.marks if self.percent is None else f"{self.percent}% ({self.marks})"

    @property
    def pace(self) -> str:
        """`12 objects/s, about 31 s left`; '' while nothing moves or nothing is left."""
        if self.left_seconds is None or self.objects_a_second is None:
            return ""
        rate = self.objects_a_second
        speed = f"{rate:.0f}" if rate >= 1 else f"{rate:.2f}"
        return f"{speed} objects/s, about {seconds_text(self.left_seconds)} left"

    def __str__(self) -> str:
        if not self.done:
            return f"sync: {self.found}"
        return f"sync {self.done}, {self.pace or self.found}"


@dataclass(frozen=True)
class Synced:
    instance: str
    seconds: float
    kind: Literal["synced"] = "synced"

    def __str__(self) -> str:
        return f"sync complete after {self.seconds:.0f} s"


@dataclass(frozen=True)
class Baking:
    instance: str
    waited_seconds: float
    whole_seconds: float
    kind: Literal["baking"] = "baking"

    def __str__(self) -> str:
        return f"healthy; watched for {self.waited_seconds:.0f} of {self.whole_seconds:.0f} s"


@dataclass(frozen=True)
class BakingBlind:
    """Prometheus doesn't say which alerts fire; `found` is why."""

    instance: str
    found: str
    kind: Literal["baking_blind"] = "baking_blind"

    def __str__(self) -> str:
        return f"watched without alerts: {self.found}"


@dataclass(frozen=True)
class Baked:
    instance: str
    seconds: float
    kind: Literal["baked"] = "baked"

    def __str__(self) -> str:
        return f"stayed healthy for {self.seconds:.0f} s"


@dataclass(frozen=True)
class BakeSkipped:
    instance: str
    why: str
    kind: Literal["bake_skipped"] = "bake_skipped"

    def __str__(self) -> str:
        return f"not watched further: {self.why}"


@dataclass(frozen=True)
class GuardPassed:
    """`own` and `peer_is`: how the two were found; `own_found`, in words."""

    instance: str
    peer: str
    own: VerdictKind
    peer_is: VerdictKind
    own_found: str
    kind: Literal["guard_passed"] = "guard_passed"

    def __str__(self) -> str:
        if self.peer_is is VerdictKind.HEALTHY:
            return f"guard passed: its peer {self.peer} serves"
        if self.peer_is is self.own is VerdictKind.UNHEALTHY:
            return (
                f"guard passed: neither it nor its peer {self.peer} is healthy ({self.own_found})"
            )
        return f"guard passed: it does not serve ({self.own_found}), so nothing is lost"


@dataclass(frozen=True)
class GuardOverruled:
    instance: str
    peer: str
    pair: str
    peer_is: VerdictKind
    peer_found: str
    kind: Literal["guard_overruled"] = "guard_overruled"

    def __str__(self) -> str:
        return (
            f"guard overruled by --allow-outage: its peer {self.peer} does not serve"
            f" ({self.peer_found}), so pair {self.pair} may be down until {self.instance} is"
            " healthy again"
        )


@dataclass(frozen=True)
class WasDown:
    """Measured by exctl: from the moment the old container was stopped to the last gate."""

    instance: str
    seconds: float
    kind: Literal["was_down"] = "was_down"

    def __str__(self) -> str:
        return f"was down for {self.seconds:.1f} s"


Event = (
    Healthy
    | NotHealthyYet
    | Syncing
    | Synced
    | Baking
    | BakingBlind
    | Baked
    | BakeSkipped
    | GuardPassed
    | GuardOverruled
    | WasDown
)
Report = Callable[[Event], None]
_EVENT: TypeAdapter[Event] = TypeAdapter(
    Annotated[Event, Field(discriminator="kind")],
    config=ConfigDict(defer_build=True),  # most runs have no events, and wait for this module
)
PASSING = (NotHealthyYet, Syncing, Baking)
"""True for a moment: not worth keeping, nor a line where something else shows how far it is."""


def shown(event: Event) -> str:
    """The event as it is shown: `excs: healthy after 4.0 s`."""
    return f"{event.instance}: {event}"


def as_json(event: Event) -> str:
    """One line of JSON."""
    return _EVENT.dump_json(event).decode()


def as_data(event: Event) -> dict[str, Any]:
    """What JSON and YAML take."""
    found: dict[str, Any] = _EVENT.dump_python(event, mode="json")
    return found


def parsed(text: str) -> Event | None:
    """The event that a line is; None if it is none."""
    try:
        return _EVENT.validate_json(text)
    except ValidationError:
        return None


def of_data(entries: Iterable[Any]) -> tuple[Event, ...]:
    """The events of a list of data; what isn't one that is known is left out."""
    found = []
    for entry in entries:
        try:
            found.append(_EVENT.validate_python(entry))
        except ValidationError:
            continue
    return tuple(found)
