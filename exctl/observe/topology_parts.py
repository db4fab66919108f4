"""What a topology shows: hosts that belong together, and the systems around them. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from config_schema import ExecConfig
from exctl.observe import connections
from exctl.observe.svg import LINE_PX
from stack.layout import Instance, Layout
from stack.text import in_url
from vendor_facts import GENESYS_CLOUD_PORT


@dataclass(frozen=True)
class Outside:
    """A system that isn't ours: a heading, lines below it, and what the arrow to it says."""

    head: str
    lines: tuple[str, ...]
    arrow: str
    style: str = "t-outside"

    @property
    def height(self) -> float:
        return 12 + LINE_PX * (1 + len(self.lines))


@dataclass(frozen=True)
class Cluster:
    """Hosts that belong together: those of a pair, or of several that share hosts."""

    hosts: tuple[str, ...]
    instances: tuple[Instance, ...]

    @property
    def pairs(self) -> list[str]:
        return list(dict.fromkeys(i.pair for i in self.instances if i.pair is not None))

    @property
    def has_excs(self) -> bool:
        return any(i.service == "excs" for i in self.instances)

    @property
    def calls_excs(self) -> bool:
        return any(i.service != "excs" for i in self.instances)

    def on(self, host: str) -> list[Instance]:
        return [i for i in self.instances if i.host == host]


def clusters(layout: Layout) -> list[Cluster]:
    """Hosts joined by a pair or by an instance that they share, in the layout's order."""
    sets = [[i.host] for i in layout.instances if i.pair is None]
    sets += [[i.host for i in members] for _, members in layout.pairs]
    joined: list[list[str]] = []
    for hosts in sets:
        together = [other for other in joined if set(other) & set(hosts)]
        whole = list(dict.fromkeys([host for other in together for host in other] + hosts))
        at = joined.index(together[0]) if together else len(joined)
        joined = [other for other in joined if other not in together]
        joined.insert(at, whole)
    return [
        Cluster(tuple(hosts), tuple(i for i in layout.instances if i.host in hosts))
        for hosts in joined
    ]


def read_by(config: ExecConfig, cluster: Cluster) -> Iterator[Outside]:
    """What only these instances read: Config DB, Stat Servers, SIP Servers."""
    services = dict.fromkeys(i.service for i in cluster.instances)
    if "excs" in services:
        db = config.excs.config_db
        port = db.known_port
        place = f"{db.host}:{port}"
        yield Outside("Config DB", (place, f"{db.type}, {db.name}"), _by(port, db.ssl))
    if "exas" in services:
        servers = config.exas.stat_server
        for word, peer in (("primary", servers.primary), ("backup", servers.backup)):
            yield Outside(f"Stat Server, {word}", (f"{peer.host}:{peer.port}",), _by(peer.port))
    for pair in cluster.pairs:
        voice = config.excp.pairs[pair].voice_servers
        kinds = {"queues": voice.vq, "agents": voice.agent, "calls": voice.call}
        for server in dict.fromkeys((*voice.vq, *voice.agent, *voice.call)):
            primary, backup = server.split("/")
            for_what = ", ".join(kind for kind, servers in kinds.items() if server in servers)
            arrow = _by(primary.rpartition(":")[2])
            yield Outside("SIP Server pair", (primary, backup, for_what), arrow)


def _by(port: int | str, tls: bool = False) -> str:
    return f"{port} {'TLS' if tls else 'TCP'}"


def read_by_all(config: ExecConfig) -> Iterator[Outside]:
    """What every host connects to."""
    redis, cloud = config.redis, config.tenant.region
    yield Outside(
        "Redis",
        (
            f"{in_url(redis.host)}:{redis.port}",
            "with password" if redis.secure else "no password",
        ),
        _by(redis.port, redis.tls),
    )
    lines = (f"api.{cloud}", f"login.{cloud}")
    yield Outside("Genesys Cloud EX", lines, f"{GENESYS_CLOUD_PORT} HTTPS", "t-cloud")
    if place := connections.registry_place(config):
        host, port, protocol = place
        yield Outside("Image registry", (f"{in_url(host)}:{port}",), f"{port} {protocol}")
