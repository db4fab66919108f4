"""The lab's network: one bridge, a namespace and a cable for each host; nothing else is touched."""

from __future__ import annotations

import json
import subprocess
from ipaddress import IPv4Network
from typing import Any

from lab.errors import LabError
from lab.settings import Plan


def refuse_a_taken_subnet(plan: Plan, routes: list[dict[str, Any]]) -> None:
    """Raises LabError if this host already reaches the subnet by other ways than our bridge.

    `routes` is what `ip -j route` answers. A default route doesn't count: it is used only for what
    nobody else claims.
    """
    for route in routes:
        if route["dst"] == "default" or route.get("dev") == plan.bridge:
            continue
        taken = IPv4Network(route["dst"], strict=False)
        if taken.overlaps(plan.subnet):
            raise LabError(
                f"{plan.subnet} is in use on this host: it has a route to {taken} by"
                f" {route.get('dev')}. Choose another one: python -m lab up --subnet 10.78.0.0/24."
                " Nothing was started."
            )


def routes() -> list[dict[str, Any]]:
    found = json.loads(ip("-j", "route"))
    assert isinstance(found, list)
    return found


def make(plan: Plan) -> None:
    """Makes bridge, namespaces and cables, and gives every host its addresses."""
    width = plan.subnet.prefixlen
    lines = [
        f"link add {plan.bridge} type bridge",
        f"addr add {plan.operator}/{width} dev {plan.bridge}",
        f"link set {plan.bridge} up",
    ]
    for host, addresses in plan.addresses.items():
        namespace, cable = plan.namespace(host), plan.cable(host)
        ip("netns", "add", namespace)
        lines += [
            f"link add {cable} type veth peer name eth0 netns {namespace}",
            f"link set {cable} master {plan.bridge} up",
        ]
        inside = [f"addr add {address}/{width} dev eth0" for address in addresses]
        lines.append("")
        batch(lines)
        lines = []
        batch([*inside, "link set lo up", "link set eth0 up"], namespace)


def remove(plan: Plan) -> None:
    """Removes what `make` made, as far as it is there."""
    prefix = plan.namespace("")
    for name in namespaces():
        if name.startswith(prefix):
            ip("netns", "delete", name)
    if plan.bridge in links():
        ip("link", "delete", plan.bridge)


def namespaces() -> list[str]:
    return [line.split()[0] for line in ip("netns", "list").splitlines() if line.strip()]


def links() -> list[str]:
    return [link["ifname"] for link in json.loads(ip("-j", "link"))]


def batch(lines: list[str], namespace: str = "") -> None:
    where = ["-n", namespace] if namespace else []
    ip(*where, "-batch", "-", stdin="\n".join(lines))


def ip(*arguments: str, stdin: str = "") -> str:
    run = subprocess.run(
        ["ip", *arguments], input=stdin, capture_output=True, text=True, check=False
    )
    if run.returncode:
        raise LabError(f"ip {' '.join(arguments)}: {run.stderr.strip()}")
    return run.stdout
