"""How every instance is right now: read only, all of them asked at once."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from urllib.parse import urlsplit

from exctl.hosts import on_host
from exctl.site import Site
from health import way
from health.contract import Status, parse_health, parse_status
from health.gates.events import Syncing
from health.gates.sync import SyncKind, sync_verdict
from health.gates.sync_progress import SyncProgress
from health.probe import Answer, Probe, ssh_probe
from health.verdict import Identity, InstancePlace, Verdict, VerdictKind
from hosts.container import ContainerState, HostContainer
from stack.layout import Instance
from stack.ssh import make_control_directory, ssh_target
from stack.text import aligned


@dataclass(frozen=True)
class SyncAnswer:
    """EXCS's sync: what it is judged as (None if it can't be told), and how far it is."""

    text: str
    kind: SyncKind | None = None
    progress: Syncing | None = None


@dataclass(frozen=True)
class EndpointRow:
    """One instance: where it is, how it was found, and what it says if it isn't healthy."""

    instance: str
    host: str
    port: int
    tag: str
    health_url: str
    is_stopped: bool
    verdict: VerdictKind
    answer: str
    pair: str | None = None
    http_code: int | None = None
    answer_seconds: float = 0.0
    down: tuple[str, ...] = ()
    sync: str = ""
    sync_kind: SyncKind | None = None
    sync_progress: Syncing | None = None
    version: str = ""
    """As the service says it; empty if it doesn't. `uptime` likewise."""
    uptime: str = ""
    container: ContainerState = field(default_factory=lambda: ContainerState(""))

    @property
    def is_healthy(self) -> bool:
        return self.verdict is VerdictKind.HEALTHY and self.sync_kind is not SyncKind.WRONG_ORG

    @property
    def state(self) -> str:
        if self.is_stopped:
            return "stopped"
        if self.verdict is VerdictKind.UNKNOWN:
            return "UNKNOWN"
        return "healthy" if self.is_healthy else "NOT HEALTHY"

    @property
    def detail(self) -> str:
        other = f"runs version {self.version}" if self.version not in ("", self.tag) else ""
        uptime = f"up {self.uptime}" if self.uptime else ""
        restarts = self.container.restarts
        restarted = f"restarted {restarts} times by Docker" if restarts else ""
        return "; ".join(filter(None, [*self.down, other, uptime, restarted, self.sync]))


def ask_all(
    site: Site, progress: SyncProgress | None = None, left_out: Collection[str] = ()
) -> list[EndpointRow]:
    """A row for each instance, in the layout's order; never fails for what a host does.

    `progress` is what earlier questions have told of the sync: with it, its pace can be said.
    `left_out`: keys of instances that aren't asked and have no row, as those of a dead host, each
    of which would be waited for.
    """
    make_control_directory()
    instances = [i for i in site.layout.instances if i.key not in left_out]
    known = progress or SyncProgress(moved_at=time.monotonic())
    with ThreadPoolExecutor(max(1, len(instances))) as pool:
        return list(pool.map(lambda instance: _ask(site, instance, known), instances))


def look_at(site: Site, instance: Instance) -> Verdict:
    """How one instance is."""
    return place_of(site, instance).confirmed(time.sleep)


def place_of(site: Site, instance: Instance) -> InstancePlace:
    """Where an instance is asked, as the stack file's gate says, and the container that is ours."""
    labels = {"exec.stack": site.stack, "exec.instance": instance.key}
    container = HostContainer(instance.container_name, on_host(site, instance.host))
    probe = probe_of(site, instance.host)
    settle = None
    if site.config.gate.via == "ssh":
        settle = ssh_probe(ssh_target(site.config.ssh, instance.host).command, is_alone=True)
    return InstancePlace(instance.health_url, probe, container, Identity(labels=labels), settle)


def probe_of(site: Site, host: str) -> Probe:
    """How a health URL of this host is asked, as the stack file's gate says."""
    return way.probe_of(site.config, host)


def _ask(site: Site, instance: Instance, progress: SyncProgress) -> EndpointRow:
    place = place_of(site, instance)
    verdict = place.confirmed(time.sleep)
    if instance.is_stopped or instance.status_url is None:
        return row_of(instance, verdict)
    answer = place.probe(instance.status_url)
    gate = site.config.excs.sync_gate
    org_id, older = site.config.tenant.org_id, gate.accept_older_success
    sync = sync_of(answer, verdict.state, org_id, older, progress, time.monotonic())
    return row_of(instance, verdict, sync)


def row_of(instance: Instance, verdict: Verdict, sync: SyncAnswer | None = None) -> EndpointRow:
    said = parse_health(verdict.answer.body)
    return EndpointRow(
        instance=instance.key,
        host=instance.host,
        port=instance.port,
        tag=instance.tag,
        health_url=instance.health_url,
        is_stopped=instance.is_stopped,
        verdict=verdict.kind,
        answer=_answer_of_stopped(verdict) if instance.is_stopped else _answer(verdict),
        pair=instance.pair,
        http_code=verdict.answer.code,
        answer_seconds=verdict.answer.seconds,
        down=tuple(map(str, said.down)),
        sync=sync.text if sync else "",
        sync_kind=sync.kind if sync else None,
        sync_progress=sync.progress if sync else None,
        version=said.version,
        uptime=said.uptime,
        container=verdict.state,
    )


def _answer(verdict: Verdict) -> str:
    """What it answers; where that alone misleads, what was found instead."""
    if verdict.kind in (VerdictKind.HEALTHY, VerdictKind.UNHEALTHY):
        return str(verdict.answer)
    return str(verdict)


def _answer_of_stopped(verdict: Verdict) -> str:
    """Nothing of ours is there; what answers all the same is likely to be the vendor's."""
    if verdict.answer.code is None:
        return "none: it is in `stopped`"
    return f"{verdict.answer}, but not from ours: exctl adopt"


def sync_of(
    answer: Answer,
    state: ContainerState,
    org_id: str,
    accept_older_success: bool,
    progress: SyncProgress,
    now: float,
) -> SyncAnswer:
    """EXCS's sync, judged as the gate judges it. Pace and time left are known once two answers have
    told of them."""
    if not answer.is_ok:
        return SyncAnswer(f"sync unknown: /status: {answer}")
    status = parse_status(answer.body)
    if status == Status(message=status.message, org_ids=status.org_ids):
        return SyncAnswer("sync unknown: /status doesn't mention it")
    progress.note(now, status)
    verdict = sync_verdict(status, org_id, accept_older_success, lambda: state)
    event = progress.event("excs", verdict.found, now, 0.0)
    match verdict.kind:
        case SyncKind.COMPLETE:
            text = f"sync complete ({event.marks})"
        case SyncKind.NOT_YET:
            text = str(event)
        case _:
            text = verdict.found
    return SyncAnswer(text, verdict.kind, event)


def as_json(rows: Sequence[EndpointRow]) -> list[dict[str, object]]:
    return [_row_as_json(row) for row in rows]


def _row_as_json(row: EndpointRow) -> dict[str, object]:
    found = asdict(row) | {"state": row.state, "is_healthy": row.is_healthy}
    started = row.container.started_at
    found["container"] = asdict(row.container) | {
        "started_at": started and started.isoformat(),
        "running_seconds": _running_seconds(row.container),
    }
    if row.sync_progress is not None:
        derived = {n: getattr(row.sync_progress, n) for n in ("percent", "left_seconds")}
        found["sync_progress"] = asdict(row.sync_progress) | derived
    return found


def _running_seconds(container: ContainerState) -> float | None:
    """Since when it runs, by this machine's clock; None if it doesn't."""
    if container.started_at is None or container.word != "running":
        return None
    return round(max(0.0, time.time() - container.started_at.timestamp()), 1)


def table(rows: Sequence[EndpointRow]) -> list[str]:
    """The rows as aligned lines, with a heading."""
    head = ("INSTANCE", "ENDPOINT", "TAG IN STACK FILE", "STATE", "ANSWER", "")
    cells = [head] + [
        (r.instance, urlsplit(r.health_url).netloc, r.tag, r.state, r.answer, r.detail)
        for r in rows
    ]
    return aligned(cells)


def unhealthy(rows: Sequence[EndpointRow]) -> list[EndpointRow]:
    return [row for row in rows if not row.is_stopped and not row.is_healthy]
