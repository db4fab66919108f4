"""Every connection that a firewall has to let through: the instances', each host's to the registry,
and those of the operator's host. Pure."""

from __future__ import annotations

from config_schema import ExecConfig
from oci.reference import ImageReference, host_and_port
from stack.connections import Connection
from stack.layout import Layout
from stack.ssh import ssh_target

OPERATOR = "operator's host"
SSH_PORT = 22
"""Source: ssh_config(5). Where the stack file names no port, ssh_config may: that isn't seen."""


def every(config: ExecConfig, layout: Layout) -> list[Connection]:
    """All of them; `instance` is empty where no single instance needs it."""
    return [*layout.connections, *of_hosts(config, layout), *of_operator(config, layout)]


def registry_place(config: ExecConfig) -> tuple[str, int, str] | None:
    """Host, port and protocol of the image registry; None for a stack without one."""
    registry = config.registry
    if not registry.is_used:
        return None
    host, port = host_and_port(ImageReference.parse(f"{registry.place}/excs").api_host)
    return host, port, "HTTP" if registry.insecure else "HTTPS"


def of_hosts(config: ExecConfig, layout: Layout) -> list[Connection]:
    """What each host needs, whatever runs there: the registry, if there is one."""
    place = registry_place(config)
    if place is None:
        return []
    return [Connection("", host, *place, "image registry") for host in layout.hosts]


def of_operator(config: ExecConfig, layout: Layout) -> list[Connection]:
    """What the operator's host needs: SSH to every host, and each health URL where gates ask it
    from here."""
    found = [
        Connection(
            "", OPERATOR, host, ssh_target(config.ssh, host).port or SSH_PORT, "SSH", "deploy, look"
        )
        for host in layout.hosts
    ]
    if config.gate.via == "direct":
        found += [
            Connection(i.key, OPERATOR, i.host, i.port, "HTTP", f"health of {i.key}")
            for i in layout.instances
        ]
    return found
