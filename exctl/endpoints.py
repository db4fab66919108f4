"""What every instance answers right now: read only, all of them asked at once."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from urllib.parse import urlsplit

from exctl.site import Site
from health.contract import parse_health, parse_status
from health.probe import Answer, Probe, direct_probe, ssh_probe
from layout import Instance
from ssh_options import make_control_directory, ssh_target


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

    @property
    def state(self) -> str:
        if self.is_stopped:
            return "stopped"
        return "healthy" if self.is_healthy else "NOT HEALTHY"

    @property
    def detail(self) -> str:
        return "; ".join(filter(None, [*self.down, self.sync]))


def ask_all(site: Site) -> list[EndpointRow]:
    """A row for each instance, in the layout's order; never fails for what a host does."""
    make_control_directory()
    instances = site.layout.instances
    with ThreadPoolExecutor(max(1, len(instances))) as pool:
        return list(pool.map(lambda instance: _ask(site, instance), instances))


def _ask(site: Site, instance: Instance) -> EndpointRow:
    if instance.is_stopped:
        return _row(instance, Answer(None, error="not asked: it is in `stopped`"), "")
    probe = _probe(site, instance.host)
    health = probe(instance.health_url)
    sync = _sync(probe(instance.status_url)) if instance.status_url else ""
    return _row(instance, health, sync)


def _row(instance: Instance, health: Answer, sync: str) -> EndpointRow:
    return EndpointRow(
        instance=instance.key,
        host=instance.host,
        port=instance.port,
        tag=instance.tag,
        health_url=instance.health_url,
        is_stopped=instance.is_stopped,
        is_healthy=health.is_ok,
        answer=str(health),
        down=tuple(map(str, parse_health(health.body).down)),
        sync=sync,
    )


def _sync(answer: Answer) -> str:
    if not answer.is_ok:
        return f"sync not known: /status: {answer}"
    status = parse_status(answer.body)
    if status.latest_hwm is None or status.processed_hwm is None:
        return f"sync {status.sync.status or 'not known'}"
    return f"sync {status.sync.status or 'running'} {status.processed_hwm}/{status.latest_hwm}"


def _probe(site: Site, host: str) -> Probe:
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
