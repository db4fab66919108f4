"""A stack, watched: one thread for each thing that is asked, so that none is asked twice at once
and one that hangs holds up no other. What was seen last is kept, and nothing older."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from config_schema import ExecConfig
from health.contract import parse_status
from health.gates.sync import sync_verdict
from health.gates.sync_progress import SyncProgress
from health.preflight.subject import Subject
from health.probe import Probe
from health.way import probe_of
from hosts.container import NOT_LOOKED, ContainerState
from monitoring.exporter import host_look
from monitoring.placement import placement
from monitoring.program import Placement
from monitoring.samples import state_of
from monitoring.seen import (
    DriftSeen,
    HostSeen,
    InstanceSeen,
    RecordsSeen,
    StackSeen,
    SyncSeen,
)
from stack.layout import Instance, Layout


@dataclass(frozen=True)
class Intervals:
    """How often what is asked, in seconds."""

    instance: float = 15.0
    """Chosen: as often as Prometheus asks by its own examples; an alert for a minute sees four."""
    host: float = 60.0
    """Chosen: over the SSH connection that is open; what is on it changes with containers."""
    records: float = 5.0
    """Chosen: files of this host; that a deployment begins has to be known before its effects."""
    certificates: float = 3600.0
    drift: float = 900.0
    """Chosen: a process of Pulumi's each time, and nothing that anybody is called for at night."""


@dataclass(frozen=True)
class Source:
    """A stack to be watched, how to read what this clone's own records say of it, and how its
    instances and hosts are asked."""

    stack: str
    config: ExecConfig
    layout: Layout
    records: Callable[[], RecordsSeen]
    drift: Callable[[], DriftSeen | None]
    probe_of: Callable[[ExecConfig, str], Probe] = probe_of
    look_at: Callable[[Subject, str, Placement | None], HostSeen] = host_look.look_at
    expiries: Callable[[Subject, str], dict[str, float]] = host_look.expiries


class StackWatch:
    """Begins to ask when it is made, and ends with `stop`."""

    def __init__(self, source: Source, intervals: Intervals, say: Callable[[str], None]) -> None:
        self._source, self._say, self._lock = source, say, threading.Lock()
        self._ended = threading.Event()
        self._progress = SyncProgress(moved_at=time.time())
        self._wake = {host: threading.Event() for host in source.layout.hosts}
        config, layout = source.config, source.layout
        self._subject = Subject(source.stack, config, layout)
        self._wanted = placement(config, layout, source.stack)
        self._seen = StackSeen(
            source.stack,
            config.tenant.id,
            config.tenant.org_id,
            layout,
            config.excs.sync_gate.stall_seconds,
            config.monitoring.sync_success_max_age_seconds,
        )
        for instance in layout.running:
            probe = source.probe_of(config, instance.host)
            self._begin(intervals.instance, self._ask, instance, probe)
        for host in layout.hosts:
            self._begin(intervals.host, self._look, host, wake=self._wake[host])
            self._begin(intervals.certificates, self._expiries, host)
        self._begin(intervals.records, self._read_records)
        self._begin(intervals.drift, self._read_drift)

    @property
    def seen(self) -> StackSeen:
        """What is known now. One of a kind: it is replaced whole, never changed."""
        return self._seen

    def stop(self) -> None:
        """Nothing new is asked; what is under way is of no more interest."""
        self._ended.set()
        for event in self._wake.values():
            event.set()

    def mark_readable(self, is_readable: bool) -> None:
        self._note(lambda seen: replace(seen, is_readable=is_readable))

    def _begin(
        self,
        interval_seconds: float,
        do: Callable[..., None],
        *arguments: object,
        wake: threading.Event | None = None,
    ) -> None:
        def again_and_again() -> None:
            pause = wake or self._ended
            while not self._ended.is_set():
                began = time.monotonic()
                try:
                    do(*arguments)
                except Exception as error:  # noqa: BLE001  # one look lost; the watch goes on
                    self._say(f"{self._source.stack}: a look failed: {error!r}")
                pause.wait(max(0.0, began + interval_seconds - time.monotonic()))
                if wake is not None:
                    wake.clear()

        threading.Thread(target=again_and_again, daemon=True).start()

    def _note(self, change: Callable[[StackSeen], StackSeen]) -> None:
        with self._lock:
            self._seen = change(self._seen)

    def _ask(self, instance: Instance, probe: Probe) -> None:
        answer, now = probe(instance.health_url), time.time()

        def change(seen: StackSeen) -> StackSeen:
            before = seen.instances.get(instance.key, InstanceSeen())
            is_alike = before.answer.kind is answer.kind
            since = before.alike_since if is_alike else now
            found = InstanceSeen(answer, now, since)
            return replace(seen, instances={**seen.instances, instance.key: found})

        before = state_of(self._seen, instance)
        self._note(change)
        if state_of(self._seen, instance) != before:
            self._wake[instance.host].set()  # what its container does is worth a look now
        if instance.status_url is not None:
            self._ask_sync(instance, probe)

    def _ask_sync(self, instance: Instance, probe: Probe) -> None:
        answer = probe(instance.status_url or "")
        if not answer.is_ok:
            # How far the sync was is still true; whether EXCS answers is the instance's to say.
            return
        status, config = parse_status(answer.body), self._source.config
        self._progress.note(time.time(), status)
        verdict = sync_verdict(
            status,
            config.tenant.org_id,
            config.excs.sync_gate.accept_older_success,
            lambda: self._container(instance),
        )
        sync = SyncSeen(status, verdict.kind, self._progress.moved_at)
        self._note(lambda seen: replace(seen, sync=sync))

    def _container(self, instance: Instance) -> ContainerState:
        """Its state at the last look; where no host could be asked, nothing is told of its age, and
        what EXCS says is taken as it is."""
        host = self._seen.hosts.get(instance.host, HostSeen())
        state = host.containers.get(instance.key, NOT_LOOKED)
        if state.started_at is not None:
            return state
        return replace(state, started_at=datetime.fromtimestamp(0, UTC))

    def _look(self, host: str) -> None:
        found = self._source.look_at(self._subject, host, self._wanted)

        def change(seen: StackSeen) -> StackSeen:
            known = seen.hosts.get(host, HostSeen()).certificates
            return replace(seen, hosts={**seen.hosts, host: replace(found, certificates=known)})

        self._note(change)

    def _expiries(self, host: str) -> None:
        found = self._source.expiries(self._subject, host)

        def change(seen: StackSeen) -> StackSeen:
            known = seen.hosts.get(host, HostSeen())
            told = replace(known, certificates={**known.certificates, **found})
            return replace(seen, hosts={**seen.hosts, host: told})

        self._note(change)

    def _read_records(self) -> None:
        records = self._source.records()
        self._note(lambda seen: replace(seen, records=records))

    def _read_drift(self) -> None:
        drift = self._source.drift()
        self._note(lambda seen: replace(seen, drift=drift))
