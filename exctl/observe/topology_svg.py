"""A stack as a picture for the wall: hosts with their instances, pairs together, and an arrow to
whatever they connect to, with its port. Pure.

Engage's systems stand on the left, level with what reads them, so that no arrow crosses another;
what every instance needs stands on the right.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from config_schema import ExecConfig
from exctl.observe import connections
from exctl.observe.endpoints import EndpointRow
from exctl.observe.svg import LINE_PX, Box, Drawing
from exctl.observe.topology_parts import Cluster, Outside, clusters, read_by, read_by_all
from health.verdict import VerdictKind
from stack.layout import Layout

WIDTH = 1200
LEFT, LEFT_WIDTH = 24, 280
FRAME, FRAME_WIDTH = 424, 466
INSIDE, INSIDE_WIDTH = 442, 392
BUS = 862
RIGHT, RIGHT_WIDTH = 990, 186
TOP, GAP, PAD = 108, 22, 12
INSTANCE_HEIGHT = 42
OPERATOR_HEIGHT = 12 + 4 * LINE_PX


@dataclass(frozen=True)
class Look:
    """How an instance is drawn: the style of its box, its sign and what that means."""

    style: str
    sign: str
    words: str


HEALTHY = Look("t-healthy", "check", "healthy")
ILL = Look("t-ill", "cross", "not healthy")
UNKNOWN = Look("t-unknown", "question", "unknown")
STOPPED = Look("t-stopped", "bar", "stopped")
LOOKS = (HEALTHY, ILL, UNKNOWN, STOPPED)


@dataclass(frozen=True)
class Health:
    """Each instance's look and what it answered, and when that was."""

    at: str
    looks: Mapping[str, tuple[Look, str]]


def health_of(rows: Iterable[EndpointRow], at: str) -> Health:
    return Health(at, {row.instance: (_look(row), row.answer) for row in rows})


def _look(row: EndpointRow) -> Look:
    if row.is_stopped:
        return STOPPED
    if row.verdict is VerdictKind.UNKNOWN:
        return UNKNOWN
    return HEALTHY if row.is_healthy else ILL


def svg(layout: Layout, config: ExecConfig, title: str, health: Health | None = None) -> str:
    """The picture, 1200 px wide; with `health`, each instance in its colour and with its sign."""
    drawing = Drawing()
    right = list(read_by_all(config))
    looks = health.looks if health is not None else {}
    rows = [(cluster, list(read_by(config, cluster))) for cluster in clusters(layout)]
    y: float = TOP + 34
    boxes: list[tuple[Cluster, Box]] = []
    for cluster, outside in rows:
        height = max(_height(cluster), _stack_height(outside))
        boxes.append((cluster, Box(INSIDE, y, INSIDE_WIDTH, height)))
        y += height + GAP
    beside = TOP + 40 + sum(each.height + GAP for each in right) + OPERATOR_HEIGHT + PAD
    frame = Box(FRAME, TOP, FRAME_WIDTH, max(y, beside) - TOP)
    drawing.box(frame, "t-frame", 10)
    drawing.text(frame.x + 18, frame.y + 22, "EXEC hosts", 200, "t-head")
    for (cluster, box), (_, outside) in zip(boxes, rows, strict=True):
        _draw_cluster(drawing, cluster, box, looks)
        _draw_left(drawing, box, outside)
    _draw_calls_to_excs(drawing, boxes, config.excs.port)
    _draw_right(drawing, frame, right, layout, config)
    _draw_heads(drawing, title, config)
    if health is not None:
        _draw_legend(drawing, frame.bottom + 30, health.at)
    return drawing.svg(WIDTH, frame.bottom + (24 if health is None else 50), title)


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


Looks = Mapping[str, tuple[Look, str]]


def _draw_cluster(drawing: Drawing, cluster: Cluster, box: Box, looks: Looks) -> None:
    x, y, width = box.x, box.y, box.width
    if cluster.pairs:
        drawing.box(box, "t-group", 9)
        word = "pair" if len(cluster.pairs) == 1 else "pairs"
        drawing.text(x + PAD, y + 20, f"EXCP {word} {', '.join(cluster.pairs)}", width, "t-head")
        x, y, width = x + PAD, y + LINE_PX + PAD + 2, width - 2 * PAD
    else:
        _draw_host(drawing, cluster, cluster.hosts[0], box, looks)
        return
    for row in _host_rows(cluster):
        height = max(_host_height(cluster, host) for host in row)
        one = (width - 10 * (len(row) - 1)) / len(row)
        for number, host in enumerate(row):
            place = Box(x + number * (one + 10), y, one, height)
            _draw_host(drawing, cluster, host, place, looks)
        y += height + 10


def _draw_host(drawing: Drawing, cluster: Cluster, host: str, box: Box, looks: Looks) -> None:
    drawing.box(box, "t-host")
    drawing.text(box.x + 10, box.y + 20, host, box.width - 20, "t-head")
    y = box.y + 12 + LINE_PX
    for instance in cluster.on(host):
        inner = Box(box.x + 8, y, box.width - 16, INSTANCE_HEIGHT)
        look, answer = looks.get(instance.key, (None, ""))
        style = "t-stopped" if instance.is_stopped else look.style if look else "t-instance"
        drawing.box(inner, style, 5)
        if look is not None:
            tip = f"{instance.key}: {look.words}, {answer}"
            drawing.sign(inner.right - 16, inner.middle, look.sign, tip)
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


def _draw_right(
    drawing: Drawing, frame: Box, right: Sequence[Outside], layout: Layout, config: ExecConfig
) -> None:
    """Draws what every host connects to, and the operator's host, which connects to every host."""
    y: float = TOP + 40
    for each in right:
        place = Box(RIGHT, y, RIGHT_WIDTH, each.height)
        drawing.box(place, each.style)
        drawing.lines(place, [(each.head, "t-head"), *((line, "t-small") for line in each.lines)])
        drawing.arrow((frame.right, place.middle), (place.x, place.middle))
        _draw_ports(drawing, frame, place.middle, each.arrow)
        y += each.height + GAP
    _draw_operator(drawing, frame, Box(RIGHT, y, RIGHT_WIDTH, OPERATOR_HEIGHT), layout, config)


def _draw_operator(
    drawing: Drawing, frame: Box, place: Box, layout: Layout, config: ExecConfig
) -> None:
    found = connections.of_operator(config, layout)
    ports = dict.fromkeys(str(c.to_port) for c in found if c.protocol == "SSH")
    ways = [f"{'/'.join(ports)} SSH"]
    if config.gate.via == "direct":
        ways.append("HTTP health")
    probed = "health: each port" if len(ways) > 1 else "health: through SSH"
    drawing.box(place, "t-host")
    words = ("exctl, Pulumi, gates", f"SSH: {', '.join(ports)}", probed)
    drawing.lines(place, [("Operator's host", "t-head"), *((line, "t-small") for line in words)])
    for number, way in enumerate(ways):
        y = place.y + (20 if len(ways) > 1 else place.height / 2) + number * 42
        drawing.arrow((place.x, y), (frame.right, y))
        _draw_ports(drawing, frame, y, way)


def _draw_ports(drawing: Drawing, frame: Box, y: float, words: str) -> None:
    """What stands at an arrow between the frame and the right."""
    middle, room = (frame.right + RIGHT) / 2, RIGHT - frame.right - 4
    drawing.centred(middle, y - 6, words, room, "t-small")
    drawing.centred(middle, y + 16, "every host", room, "t-small")


def _draw_legend(drawing: Drawing, y: float, at: str) -> None:
    x: float = FRAME
    drawing.text(LEFT, y + 4, f"As of {at}", LEFT_WIDTH, "t-small")
    for look in LOOKS:
        drawing.box(Box(x, y - 11, 26, 22), look.style, 5)
        drawing.sign(x + 13, y, look.sign, look.words)
        drawing.text(x + 34, y + 4, look.words, 100, "t-small")
        x += 130


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
