"""A picture of a stack: which instance runs where, and what it connects to. Text and SVG; pure."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from layout import Connection, Layout

ROW, WIDTH, GAP, LEFT = 26, 330, 300, 20


def text(layout: Layout) -> list[str]:
    """Each host, its instances, and below each the connections it needs (the firewall's list)."""
    lines: list[str] = []
    for host in layout.hosts:
        lines.append(host)
        for instance in (i for i in layout.instances if i.host == host):
            state = "  (stopped)" if instance.is_stopped else ""
            lines.append(f"  {instance.key}  listens on {instance.port}  {instance.image}{state}")
            for to in (c for c in layout.connections if c.instance == instance.key):
                lines.append(f"    -> {to.to_host}:{to.to_port}  {to.protocol}  {to.purpose}")
    return lines


def rows(layout: Layout) -> list[dict[str, object]]:
    """The connections as data: what a firewall has to let through."""
    return [vars(connection) for connection in layout.connections]


def svg(layout: Layout, title: str) -> str:
    """The same as a drawing: instances on the left, what they connect to on the right."""
    targets = list(dict.fromkeys((c.to_host, c.to_port) for c in layout.connections))
    boxes = {i.key: _y(n) for n, i in enumerate(layout.instances)}
    places = {target: _y(n) for n, target in enumerate(targets)}
    height = 70 + ROW * 2 * max(len(boxes), len(places))
    width = LEFT * 2 + WIDTH * 2 + GAP
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}"'
        ' font-family="sans-serif" font-size="13">',
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        f'<text x="{LEFT}" y="26" font-size="17">{escape(title)}</text>',
    ]
    right = LEFT + WIDTH + GAP
    for connection in _once(layout.connections):
        y1 = boxes[connection.instance] + ROW / 2
        y2 = places[connection.to_host, connection.to_port] + ROW / 2
        x1, x2 = LEFT + WIDTH, right
        parts.append(
            f'<path d="M{x1},{y1} C{x1 + 120},{y1} {x2 - 120},{y2} {x2},{y2}" fill="none"'
            ' stroke="#8895a7"/>'
        )
    for instance in layout.instances:
        fill = "#e3e6ea" if instance.is_stopped else "#dcebfb"
        label = f"{instance.key} · {instance.host}:{instance.port} · {instance.tag}"
        parts += _box(LEFT, boxes[instance.key], label, fill)
    for host, port in targets:
        purposes = dict.fromkeys(
            c.purpose.partition(":")[0]
            for c in layout.connections
            if (c.to_host, c.to_port) == (host, port)
        )
        parts += _box(
            right, places[host, port], f"{' / '.join(purposes)} · {host}:{port}", "#f4efdd"
        )
    return "\n".join([*parts, "</svg>", ""])


def _y(number: int) -> int:
    return 50 + number * ROW * 2


def _once(connections: Sequence[Connection]) -> list[Connection]:
    by_ends = {(c.instance, c.to_host, c.to_port): c for c in connections}
    return list(by_ends.values())


def _box(x: int, y: int, label: str, fill: str) -> list[str]:
    return [
        f'<rect x="{x}" y="{y}" width="{WIDTH}" height="{ROW}" rx="5" fill="{fill}"'
        ' stroke="#56657a"/>',
        f'<text x="{x + 8}" y="{y + 18}">{escape(label)}</text>',
    ]
