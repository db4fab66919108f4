"""A stack as a picture for the wall: hosts with their instances, pairs together, and an arrow to
whatever they connect to, with its port. Pure.

Engage's systems stand on the left, level with what reads them, so that no arrow crosses another;
what every instance needs stands on the right.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from config_schema import ExecConfig
from exctl.observe.svg import LINE_PX, Box, Drawing
from stack.layout import Instance, Layout
from vendor_facts import GENESYS_CLOUD_PORT

WIDTH = 1200
LEFT, LEFT_WIDTH = 24, 280
FRAME, FRAME_WIDTH = 424, 466
INSIDE, INSIDE_WIDTH = 442, 392
BUS = 862
RIGHT, RIGHT_WIDTH = 990, 186
TOP, GAP, PAD = 108, 22, 12
INSTANCE_HEIGHT = 42


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


def svg(layout: Layout, config: ExecConfig, title: str) -> str:
    """The picture, 1200 px wide."""
    drawing = Drawing()
    rows = [(cluster, list(_read_by(config, cluster))) for cluster in clusters(layout)]
    y: float = TOP + 34
    boxes: list[tuple[Cluster, Box]] = []
    for cluster, outside in rows:
        height = max(_height(cluster), _stack_height(outside))
        boxes.append((cluster, Box(INSIDE, y, INSIDE_WIDTH, height)))
        y += height + GAP
    frame = Box(FRAME, TOP, FRAME_WIDTH, y - TOP)
    drawing.box(frame, "t-frame", 10)
    drawing.text(frame.x + 18, frame.y + 22, "EXEC hosts", 200, "t-head")
    for (cluster, box), (_, outside) in zip(boxes, rows, strict=True):
        _draw_cluster(drawing, cluster, box)
        _draw_left(drawing, box, outside)
    _draw_calls_to_excs(drawing, boxes, config.excs.port)
    bottom = max(frame.bottom, _draw_right(drawing, frame, config))
    _draw_heads(drawing, title, config)
    return drawing.svg(WIDTH, bottom + 24, title)


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


def _read_by(config: ExecConfig, cluster: Cluster) -> Iterator[Outside]:
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


def _stack_height(outside: Sequence[Outside]) -> float:
    return sum(each.height for each in outside) + 10 * max(0, len(outside) - 1)


def _height(cluster: Cluster) -> float:
    rows = _host_rows(cluster)
    inner = sum(max(_host_height(cluster, host) for host in row) for row in rows)
    inner += 10 * (len(rows) - 1)
    return inner + (LINE_PX + 2 * PAD + 4 if cluster.pairs else 0)


def _host_rows(cluster: Cluster) -> list[tuple[str, ...]]:
    hosts = cluster.hosts
    return [hosts[n : n + 2] for n in range(0, len(hosts), 2)]


def _host_height(cluster: Cluster, host: str) -> float:
    return 12 + LINE_PX + (INSTANCE_HEIGHT + 6) * len(cluster.on(host)) + 4


def _draw_cluster(drawing: Drawing, cluster: Cluster, box: Box) -> None:
    x, y, width = box.x, box.y, box.width
    if cluster.pairs:
        drawing.box(box, "t-group", 9)
        word = "pair" if len(cluster.pairs) == 1 else "pairs"
        drawing.text(x + PAD, y + 20, f"EXCP {word} {', '.join(cluster.pairs)}", width, "t-head")
        x, y, width = x + PAD, y + LINE_PX + PAD + 2, width - 2 * PAD
    else:
        _draw_host(drawing, cluster, cluster.hosts[0], box)
        return
    for row in _host_rows(cluster):
        height = max(_host_height(cluster, host) for host in row)
        one = (width - 10 * (len(row) - 1)) / len(row)
        for number, host in enumerate(row):
            _draw_host(drawing, cluster, host, Box(x + number * (one + 10), y, one, height))
        y += height + 10


def _draw_host(drawing: Drawing, cluster: Cluster, host: str, box: Box) -> None:
    drawing.box(box, "t-host")
    drawing.text(box.x + 10, box.y + 20, host, box.width - 20, "t-head")
    y = box.y + 12 + LINE_PX
    for instance in cluster.on(host):
        inner = Box(box.x + 8, y, box.width - 16, INSTANCE_HEIGHT)
        style = "t-stopped" if instance.is_stopped else "t-instance"
        drawing.box(inner, style, 5)
        words = f"{instance.key}  :{instance.port}"
        drawing.text(inner.x + 8, y + 17, words, inner.width - 12, "t-on-instance")
        state = "stopped" if instance.is_stopped else instance.tag
        drawing.text(inner.x + 8, y + 33, state, inner.width - 12, "t-tag")
        y += INSTANCE_HEIGHT + 6


def _draw_left(drawing: Drawing, box: Box, outside: Sequence[Outside]) -> None:
    y = box.y + (box.height - _stack_height(outside)) / 2
    for each in outside:
        place = Box(LEFT, y, LEFT_WIDTH, each.height)
        drawing.box(place, each.style)
        drawing.lines(place, [(each.head, "t-head"), *((line, "t-small") for line in each.lines)])
        drawing.arrow((box.x, place.middle), (place.right, place.middle))
        middle = (place.right + FRAME) / 2
        drawing.centred(middle, place.middle - 6, each.arrow, FRAME - place.right - 20, "t-small")
        y += each.height + 10


def _draw_calls_to_excs(drawing: Drawing, boxes: Sequence[tuple[Cluster, Box]], port: int) -> None:
    excs = next(box for cluster, box in boxes if cluster.has_excs)
    callers = [box for cluster, box in boxes if cluster.calls_excs and not cluster.has_excs]
    if not callers:
        return
    for box in callers[:-1]:
        drawing.arrow((box.right, box.middle), (BUS, box.middle), has_tip=False)
    last = callers[-1]
    points = ((last.right, last.middle), (BUS, last.middle), (BUS, excs.middle))
    drawing.arrow(*points, (excs.right, excs.middle))
    y = (excs.bottom + callers[0].y) / 2 + 4
    drawing.ending(BUS - 8, y, f"EXCS REST API, {port} TCP", INSIDE_WIDTH, "t-small")


def _draw_right(drawing: Drawing, frame: Box, config: ExecConfig) -> float:
    """Draws what every instance connects to; the lowest y of it."""
    y: float = TOP + 40
    redis = config.redis
    for each in (
        Outside(
            "Redis",
            (f"{redis.host}:{redis.port}", "with password" if redis.secure else "no password"),
            _by(redis.port, redis.tls),
        ),
        Outside(
            "Genesys Cloud EX",
            (f"api.{config.tenant.region}", f"login.{config.tenant.region}"),
            f"{GENESYS_CLOUD_PORT} HTTPS",
            "t-cloud",
        ),
    ):
        place = Box(RIGHT, y, RIGHT_WIDTH, each.height)
        drawing.box(place, each.style)
        drawing.lines(place, [(each.head, "t-head"), *((line, "t-small") for line in each.lines)])
        drawing.arrow((frame.right, place.middle), (place.x, place.middle))
        middle = (frame.right + place.x) / 2
        room = place.x - frame.right - 20
        drawing.centred(middle, place.middle - 6, each.arrow, room, "t-small")
        drawing.centred(middle, place.middle + 16, "every host", room + 14, "t-small")
        y += each.height + GAP
    return y


def _draw_heads(drawing: Drawing, title: str, config: ExecConfig) -> None:
    drawing.text(LEFT, 38, title, WIDTH - 60, "t-title")
    note = (
        f"Tenant {config.tenant.id}, EX organization {config.tenant.org_id}."
        " An arrow points to the side that listens."
    )
    drawing.text(LEFT, 62, note, WIDTH - 60, "t-small")
    drawing.text(LEFT, TOP - 10, "Engage", LEFT_WIDTH, "t-head")
    drawing.text(RIGHT, TOP - 10, "Shared by all", RIGHT_WIDTH, "t-head")
    drawing.text(FRAME, TOP - 10, "This stack", 400, "t-head")
