"""The way into a stack's registry: as the stack file's user, from here or through a host."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pulumi import automation as auto

from config_schema import ExecConfig, Runtime
from exctl.errors import ExctlError, NothingTouched
from exctl.hosts import on_host, reached
from exctl.images.registry import Registry
from exctl.pulumi.workspace import explained, open_stack
from exctl.site import Site
from stack.layout import Layout
from stack.paths import NAMESPACE
from stack.ssh import ssh_target
from vendor_facts import Service

SERVICES: tuple[Service, ...] = ("excs", "exas", "excp")


def registry_of(site: Site, via: str | None = None) -> Registry:
    """The stack's registry; with `via`, as that host reaches it.

    The password goes from the stack file into this process's memory and from there to the
    registry: not into an argument, a file, or a host.
    """
    settings = site.config.registry
    password = ""
    if settings.username is not None:
        try:
            found = open_stack(site).get_config(f"{NAMESPACE}:registryPassword")
        except auto.CommandError as error:
            raise ExctlError(f"registryPassword can't be read: {explained(error, site)}") from None
        password = found.value
    way = None
    if via is not None:
        reached(via, on_host(site, _known(site.layout, via))(["true"]))
        way = ssh_target(site.config.ssh, via).command
    return Registry(settings.repository, settings.username, password, settings.insecure, way)


def _known(layout: Layout, host: str) -> str:
    if host not in layout.hosts:
        raise NothingTouched(f"--via {host}: the stack's hosts are {', '.join(layout.hosts)}.")
    return host


def names_of(config: ExecConfig, service: Service) -> tuple[str, ...]:
    """The names that a service's images have in the repository; pairs may differ."""
    parts: Mapping[Service, Sequence[Runtime]] = {
        "excs": [config.excs],
        "exas": [config.exas],
        "excp": list(config.excp.pairs.values()),
    }
    return tuple(dict.fromkeys(part.image or service for part in parts[service]))


def all_names(config: ExecConfig) -> tuple[str, ...]:
    """Every image name of the stack."""
    return tuple(dict.fromkeys(name for s in SERVICES for name in names_of(config, s)))
