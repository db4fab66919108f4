"""What every instance answers right now: read only, all of them asked at once."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from urllib.parse import urlsplit

from exctl.site import Site
from health.contract import parse_health, parse_status
from health.gates.sync_progress import Progress
from health.probe import Answer, Probe, direct_probe, ssh_probe
from stack.layout import Instance
from stack.ssh import make_control_directory, ssh_target


@dataclass(frozen=True)
class EndpointRow:
    """One instance: where it is, whether it is healthy, and what it says if it isn't."""

    instance: str
    host: str
    port: int
    tag: str
    health_url: str
    is_stopped: bool
    is_healthy: bool
    answer: str
    down: tuple[str, ...]
    sync: str
    version: str = ""
    """As the service says it; empty if it doesn't. `uptime` likewise."""
    uptime: str = ""

    @property
    def state(self) -> str:
        if self.is_stopped:
            return "stopped"
        return "healthy" if self.is_healthy else "NOT HEALTHY"

    @property
    def detail(self) -> str:
        other = f"runs version {self.version}" if self.version not in ("", self.tag) else ""
        uptime = f"up {self.uptime}" if self.uptime else ""
        return "; ".join(filter(None, [*self.down, other, uptime, self.sync]))


def ask_all(site: Site, progress: Progress | None = None) -> list[EndpointRow]:
    """A row for each instance, in the layout's order; never fails for what a host does.

    `progress` is what earlier questions have told of the sync: with it, its pace can be said.
    """
    make_control_directory()
    instances = site.layout.instances
    known = progress or Progress(moved_at=time.monotonic())
    with ThreadPoolExecutor(max(1, len(instances))) as pool:
        return list(pool.map(lambda instance: _ask(site, instance, known), instances))


def _ask(site: Site, instance: Instance, progress: Progress) -> EndpointRow:
    if instance.is_stopped:
        return _of_stopped(instance, probe_of(site, instance.host)(instance.health_url))
    probe = probe_of(site, instance.host)
    health = probe(instance.health_url)
    sync = ""
    if instance.status_url:
        sync = sync_text(probe(instance.status_url), progress, time.monotonic())
    return _row(instance, health, sync)


def _of_stopped(instance: Instance, answer: Answer) -> EndpointRow:
    """Nothing of ours is there; what answers all the same is likely to be the vendor's."""
    if answer.code is None:
        return _row(instance, Answer(None, error="none: it is in `stopped`"), "")
    foreign = Answer(answer.code, error=f"{answer}, but not from ours: exctl adopt")
    return replace(_row(instance, foreign, ""), is_healthy=False, answer=foreign.error)


def _row(instance: Instance, health: Answer, sync: str) -> EndpointRow:
    said = parse_health(health.body)
    return EndpointRow(
        instance=instance.key,
        host=instance.host,
        port=instance.port,
        tag=instance.tag,
        health_url=instance.health_url,
        is_stopped=instance.is_stopped,
        is_healthy=health.is_ok,
        answer=str(health),
        down=tuple(map(str, said.down)),
        sync=sync,
        version=said.version,
        uptime=said.uptime,
    )


def sync_text(answer: Answer, progress: Progress, now: float) -> str:
    """`sync running 34% (HWM 193 of 567), 12 objects/s, about 31 s left`; pace and time left only
    once two answers have told of them."""
    if not answer.is_ok:
        return f"sync not known: /status: {answer}"
    progress.note(now, parse_status(answer.body))
    word = progress.status.sync.status or "running"
    return " ".join(filter(None, ["sync", word, progress.done()])) + progress.pace()


def probe_of(site: Site, host: str) -> Probe:
    """How a health URL of this host is asked, as the stack file's gate says."""
    if site.config.gate.via == "direct":
        return direct_probe()
    return ssh_probe(ssh_target(site.config.ssh, host).command)


def as_json(rows: Sequence[EndpointRow]) -> list[dict[str, object]]:
    return [asdict(row) | {"state": row.state} for row in rows]


def table(rows: Sequence[EndpointRow]) -> list[str]:
    """The rows as aligned lines, with a heading."""
    head = ("INSTANCE", "ENDPOINT", "TAG IN STACK FILE", "STATE", "ANSWER", "")
    cells = [head] + [
        (r.instance, urlsplit(r.health_url).netloc, r.tag, r.state, r.answer, r.detail)
        for r in rows
    ]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in cells
    ]


def unhealthy(rows: Sequence[EndpointRow]) -> list[EndpointRow]:
    return [row for row in rows if not row.is_stopped and not row.is_healthy]
