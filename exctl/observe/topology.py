"""Which instance runs where and what it connects to, as text and as data; pure."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

import vendor_facts as vendor
from config_schema import ExecConfig
from exctl.observe import connections
from stack.connections import Connection
from stack.layout import Instance, Layout
from stack.text import in_url

WIDTH_COLUMNS = 100
ARROW = "    -> "


def text(config: ExecConfig, layout: Layout, width_columns: int = WIDTH_COLUMNS) -> list[str]:
    """Each service and pair: its instances, and below them the connections that each of them needs
    (the firewall's list); then those of every host and of the operator's."""
    lines: list[str] = []
    for title, instances in groups(layout):
        lines += [*([""] if lines else []), title]
        wide = max(len(f"{in_url(i.host)}:{i.port}") for i in instances)
        for i in instances:
            state = "  stopped" if i.is_stopped else ""
            lines.append(f"  {i.key:<9} {f'{in_url(i.host)}:{i.port}':<{wide}}  {i.tag}{state}")
        lines += _connections(connections_of(layout, instances[0]), width_columns)
    of_hosts = {c.to_host: c for c in connections.of_hosts(config, layout)}
    if of_hosts:
        lines += ["", "Every host", *_connections([*of_hosts.values()], width_columns)]
    of_operator = connections.of_operator(config, layout)
    return [*lines, "", "Operator's host", *_connections(of_operator, width_columns)]


def note(width_columns: int = WIDTH_COLUMNS) -> list[str]:
    """What the firewall has to let through besides, once calls are recorded."""
    return textwrap.wrap(f"note: {vendor.RECORDING_NOTE}", width_columns)


def inferred() -> str:
    """The variables that no vendor text names, and what to do if one of them is another one."""
    return (
        "inferred, since no vendor document names them: the container variables"
        f" {', '.join(vendor.INFERRED)} and the path {vendor.METRICS_PATH}. If a service needs"
        f" another name, set that one in its `environment`."
    )


def groups(layout: Layout) -> list[tuple[str, tuple[Instance, ...]]]:
    """Title and instances of EXCS, EXAS and each pair."""
    found = [(f"{service.upper()}", layout.of(service)) for service in ("excs", "exas")]
    return [*found, *((f"EXCP pair {number}", members) for number, members in layout.pairs)]


def connections_of(layout: Layout, instance: Instance) -> list[Connection]:
    """Where an instance connects to, each address once; the instances of a pair all do so."""
    own = (c for c in layout.connections if c.instance == instance.key)
    return list({(c.to_host, c.to_port): c for c in own}.values())


def rows(config: ExecConfig, layout: Layout) -> list[dict[str, object]]:
    """The connections as data: what a firewall has to let through."""
    return [vars(connection) for connection in connections.every(config, layout)]


def _connections(found: Sequence[Connection], width_columns: int) -> Iterator[str]:
    """Aligned; an address that leaves no room for the rest has it on the next line."""
    texts = {f"{in_url(c.to_host)}:{c.to_port}": f"{c.protocol:<5}  {c.purpose}" for c in found}
    room = width_columns - len(ARROW) - 2 - max(map(len, texts.values()))
    wide = max((len(address) for address in texts if len(address) <= room), default=0)
    for address, text in texts.items():
        if len(address) <= room:
            yield f"{ARROW}{address:<{wide}}  {text}"
        else:
            yield f"{ARROW}{address}"
            yield f"{' ' * (len(ARROW) + wide)}  {text}"
