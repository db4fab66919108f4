"""What the exporter has seen of a stack, as data; `samples` makes metrics of it. Pure.

None is what nobody could tell. Moments are seconds since 1970, as Prometheus has them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from health.contract import Status
from health.gates.sync import SyncKind
from health.probe import NOT_ASKED, Answer
from hosts.container import ContainerState
from stack.layout import Layout


@dataclass(frozen=True)
class InstanceSeen:
    """The last answer of an instance, and since when its answers are of this kind."""

    answer: Answer = NOT_ASKED
    asked_at: float | None = None
    alike_since: float = 0.0


@dataclass(frozen=True)
class SyncSeen:
    """EXCS's /status, and when anything in it last moved."""

    status: Status
    kind: SyncKind
    moved_at: float


@dataclass(frozen=True)
class Disk:
    path: str
    size_bytes: int
    free_bytes: int


@dataclass(frozen=True)
class HostSeen:
    """The last look at a host; `containers` are the states of this stack's instances there, empty
    where it didn't answer."""

    looked_at: float = 0.0
    is_up: bool | None = None
    containers: Mapping[str, ContainerState] = field(default_factory=dict)
    clock_ahead_seconds: float | None = None
    disks: tuple[Disk, ...] = ()
    shippers: Mapping[str, ContainerState] = field(default_factory=dict)
    """Agent → the state of its container, where it is to ship log files of this stack."""
    certificates: Mapping[str, float] = field(default_factory=dict)
    """Endpoint → when its certificate expires."""


@dataclass(frozen=True)
class RecordsSeen:
    """What this clone's own records say of a stack."""

    release: int | None = None
    released_at: float | None = None
    is_deploying: bool | None = None
    preflight_at: float | None = None
    preflight: Mapping[str, int] = field(default_factory=dict)
    """Verdict → number of findings."""


@dataclass(frozen=True)
class DriftSeen:
    looked_at: float
    differences: Mapping[str, int]
    """Kind → number."""


@dataclass(frozen=True)
class StackSeen:
    """Everything that is known of one stack at this moment."""

    stack: str
    tenant: str
    org: str
    layout: Layout
    stall_limit_seconds: float
    sync_age_limit_seconds: float
    is_readable: bool = True
    instances: Mapping[str, InstanceSeen] = field(default_factory=dict)
    sync: SyncSeen | None = None
    hosts: Mapping[str, HostSeen] = field(default_factory=dict)
    records: RecordsSeen = field(default_factory=RecordsSeen)
    drift: DriftSeen | None = None
