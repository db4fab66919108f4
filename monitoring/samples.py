"""What was seen → samples: which metric, with which labels, has which value. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from health.contract import parse_health
from health.gates.sync import SyncKind
from health.probe import AnswerKind
from health.verdict import Identity, VerdictKind, judge
from hosts.container import NOT_LOOKED, ContainerState
from monitoring import metrics as m
from monitoring.metrics import Metric
from monitoring.seen import HostSeen, InstanceSeen, StackSeen, SyncSeen
from stack.layout import Instance
from stack.text import plain_text

STOPPED = "stopped"
STATES = (*VerdictKind, STOPPED)
FAILED_WORDS = frozenset({"failed", "failure", "error", "aborted"})
"""Source: none, the vendor documents Success alone. Chosen: only words that can't mean that it goes
on; anything else is told by the alert for a sync that stands still."""
DEPENDENCIES_LIMIT = 32
LABEL_LIMIT_CHARACTERS = 80
"""Chosen: a service that names a new dependency in each answer must not fill Prometheus."""


@dataclass(frozen=True)
class Sample:
    metric: Metric
    labels: tuple[str, ...]
    value: float


def samples(seen: StackSeen) -> Iterator[Sample]:
    """All samples of one stack. What nobody could tell has none: an unknown is no number."""
    stack = (seen.stack,)
    yield Sample(m.STACK_INFO, (*stack, seen.tenant, seen.org), 1)
    yield Sample(m.STACK_READABLE, stack, seen.is_readable)
    yield Sample(m.SYNC_STALL_LIMIT, stack, seen.stall_limit_seconds)
    yield Sample(m.SYNC_AGE_LIMIT, stack, seen.sync_age_limit_seconds)
    for instance in seen.layout.instances:
        yield from _of_instance(seen, instance)
    for pair, members in seen.layout.pairs:
        wanted = [i for i in members if not i.is_stopped]
        yield Sample(m.PAIR_WANTED, (*stack, pair), len(wanted))
        if all(_is_asked(seen, i) for i in wanted):
            yield Sample(m.PAIR_SERVING, (*stack, pair), sum(is_up(seen, i) for i in wanted))
    if seen.sync is not None:
        yield from _of_sync(seen.stack, seen.sync)
    for host, found in seen.hosts.items():
        yield from _of_host(seen.stack, host, found)
    yield from _of_records(seen)


def state_of(seen: StackSeen, instance: Instance) -> str:
    """How an instance is: one of `STATES`.

    A container's state counts only if it was read after the answer last changed its kind: else
    a container that has just been replaced would contradict what it answers.
    """
    if instance.is_stopped:
        return STOPPED
    found = seen.instances.get(instance.key, InstanceSeen())
    state = _container_of(seen, instance)
    if state.is_known and seen.hosts[instance.host].looked_at < found.alike_since:
        state = NOT_LOOKED
    identity = Identity(
        labels={"exec.stack": seen.stack, "exec.instance": instance.key},
    )
    kind = judge(found.answer, state, identity).kind
    if kind is not VerdictKind.UNKNOWN or state.is_known:
        return kind
    # Docker can't be asked, which is no reason to call somebody: the port's word is taken.
    return {
        AnswerKind.OK: VerdictKind.HEALTHY,
        AnswerKind.UNHEALTHY: VerdictKind.UNHEALTHY,
    }.get(found.answer.kind, kind)


def is_up(seen: StackSeen, instance: Instance) -> bool:
    """Whether it serves. Like Prometheus' own `up`, what doesn't answer in time isn't up."""
    return state_of(seen, instance) == VerdictKind.HEALTHY


def _is_asked(seen: StackSeen, instance: Instance) -> bool:
    return seen.instances.get(instance.key, InstanceSeen()).asked_at is not None


def _container_of(seen: StackSeen, instance: Instance) -> ContainerState:
    found = seen.hosts.get(instance.host, HostSeen())
    return found.containers.get(instance.key, NOT_LOOKED)


def _of_instance(seen: StackSeen, instance: Instance) -> Iterator[Sample]:
    labels = (seen.stack, instance.key, instance.service, instance.pair or "", instance.host)
    found = seen.instances.get(instance.key, InstanceSeen())
    said = parse_health(found.answer.body)
    yield Sample(m.INSTANCE_WANTED, labels, not instance.is_stopped)
    yield Sample(m.INSTANCE_INFO, (*labels, instance.tag, _label(said.version)), 1)
    if not instance.is_stopped and found.asked_at is not None:
        yield Sample(m.INSTANCE_UP, labels, is_up(seen, instance))
        yield Sample(m.ANSWER_SECONDS, labels, found.answer.seconds)
        yield Sample(m.PROBE_TIMESTAMP, labels, found.asked_at)
        up = {_label(each.name): each.is_up for each in reversed(said.dependencies)}
        for name, value in list(up.items())[:DEPENDENCIES_LIMIT]:
            yield Sample(m.DEPENDENCY_UP, (*labels, name), value)
    if instance.is_stopped or found.asked_at is not None:
        state = state_of(seen, instance)
        for each in STATES:
            yield Sample(m.INSTANCE_STATE, (*labels, each), each == state)
    container = _container_of(seen, instance)
    if container.id:
        yield Sample(m.RESTARTS, labels, container.restarts)
        if container.started_at is not None:
            yield Sample(m.CONTAINER_START, labels, container.started_at.timestamp())


def _label(text: str) -> str:
    return plain_text(text, LABEL_LIMIT_CHARACTERS)


def _of_sync(stack: str, sync: SyncSeen) -> Iterator[Sample]:
    status, labels = sync.status, (stack,)
    words = {status.sync.status.lower(), status.update.status.lower()}
    failed = sync.kind is SyncKind.WRONG_ORG or bool(words & FAILED_WORDS)
    yield Sample(m.SYNC_COMPLETE, labels, sync.kind is SyncKind.COMPLETE)
    yield Sample(m.SYNC_FAILED, labels, failed)
    yield Sample(m.SYNC_MOVED, labels, sync.moved_at)
    yield Sample(m.SYNC_INFO, (stack, _label(status.operation)), 1)
    if status.latest_hwm is not None:
        yield Sample(m.SYNC_LATEST, labels, status.latest_hwm)
    if status.processed_hwm is not None:
        yield Sample(m.SYNC_PROCESSED, labels, status.processed_hwm)
    if status.latest_hwm is not None and status.processed_hwm is not None:
        yield Sample(m.SYNC_LAG, labels, max(0, status.latest_hwm - status.processed_hwm))
    for name, phase in (("sync", status.sync), ("update", status.update)):
        if phase.is_success and phase.at is not None:
            yield Sample(m.SYNC_SUCCESS, (stack, name), phase.at.timestamp())


def _of_host(stack: str, host: str, found: HostSeen) -> Iterator[Sample]:
    labels = (stack, host)
    if found.is_up is not None:
        yield Sample(m.HOST_UP, labels, found.is_up)
    if found.clock_ahead_seconds is not None:
        yield Sample(m.HOST_CLOCK, labels, found.clock_ahead_seconds)
    for disk in found.disks:
        yield Sample(m.DISK_SIZE, (*labels, disk.path), disk.size_bytes)
        yield Sample(m.DISK_FREE, (*labels, disk.path), disk.free_bytes)
    for agent, state in found.shippers.items():
        yield Sample(m.LOG_SHIPPER_UP, (*labels, agent), state.word == "running")
    for endpoint, expires_at in found.certificates.items():
        yield Sample(m.CERTIFICATE_EXPIRY, (*labels, endpoint), expires_at)


def _of_records(seen: StackSeen) -> Iterator[Sample]:
    labels, records = (seen.stack,), seen.records
    if records.release is not None:
        yield Sample(m.RELEASE_INFO, (seen.stack, str(records.release)), 1)
    if records.released_at is not None:
        yield Sample(m.RELEASE_TIMESTAMP, labels, records.released_at)
    if records.is_deploying is not None:
        yield Sample(m.DEPLOYMENT, labels, records.is_deploying)
    if records.preflight_at is not None:
        yield Sample(m.PREFLIGHT_TIMESTAMP, labels, records.preflight_at)
        for verdict, number in records.preflight.items():
            yield Sample(m.PREFLIGHT_FINDINGS, (seen.stack, verdict), number)
    if seen.drift is not None:
        yield Sample(m.DRIFT_TIMESTAMP, labels, seen.drift.looked_at)
        for kind, number in seen.drift.differences.items():
            yield Sample(m.DRIFT, (seen.stack, kind), number)
