"""Rules that need several sections of a stack file, or the stack files beside it. Pure.

They read the raw sections and pass over whatever isn't well-formed, which the schema reports: so
that an operator sees all problems at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import vendor_facts as vendor
from config_schema import SHIPPING_PORTS, canonical_host, place_problem
from stack import paths
from stack.layout import stoppable
from stack.problems import Problem

_LOOPBACK = ("localhost", "127.0.0.1", "[::1]")


def cross_problems(sections: Mapping[str, Any], other_orgs: Mapping[str, str]) -> list[Problem]:
    """What contradicts itself across sections; `other_orgs` is org id → the stack file it's in."""
    return [
        *_port_clashes(sections),
        *_two_spellings(sections),
        *_unknown_stopped(sections),
        *_shared_org(sections, other_orgs),
        *_logs_out_of_reach(sections),
        *_log_directories_in_memory(sections),
        *_unknown_hosts(sections),
        *_monitoring_without_means(sections),
    ]


def _pairs(sections: Mapping[str, Any]) -> dict[str, Any]:
    pairs = paths.get(sections, "excp.pairs")
    return {str(k): v for k, v in pairs.items()} if isinstance(pairs, Mapping) else {}


def _places(sections: Mapping[str, Any]) -> Iterator[tuple[str, object, object]]:
    """(path, host, port) of all that is placed and well-formed enough to have them."""
    instances = list(_instances(sections))
    yield from instances
    if (host := paths.get(sections, "monitoring.host")) is not None:
        for program in _watchers(sections):
            path = f"monitoring.{program}.port"
            yield path, host, paths.get(sections, path) or paths.default_of(path)
    if (own := paths.get(sections, "logging.shipping")) is not None:
        port = paths.get(own, "port") or SHIPPING_PORTS.get(str(paths.get(own, "agent") or "alloy"))
        for host in dict.fromkeys(host for _, host, _ in instances if isinstance(host, str)):
            yield "logging.shipping.port", host, port


def _instances(sections: Mapping[str, Any]) -> Iterator[tuple[str, object, object]]:
    for service, port in (("excs", vendor.EXCS_PORT), ("exas", vendor.EXAS_PORT)):
        part = sections.get(service)
        yield service, paths.get(part, "host"), paths.get(part, "port") or port
    for number, pair in _pairs(sections).items():
        hosts, port = paths.get(pair, "hosts"), paths.get(pair, "port") or vendor.EXCP_PORT
        for index, host in enumerate(hosts if isinstance(hosts, list) else [], 1):
            yield f"excp.pairs.{number}.hosts.{index}", host, port


def _watchers(sections: Mapping[str, Any]) -> Iterator[str]:
    """The sections of the programs that are placed at `monitoring.host`."""
    settings = sections.get("monitoring")
    yield "prometheus"
    if paths.get(settings, "alertmanagers") is None:
        yield "alertmanager"
    if paths.get(settings, "blackbox") is None:
        yield "blackbox_exporter"
    if paths.get(settings, "grafana.enabled") is True:
        yield "grafana"
    if paths.get(settings, "portainer.enabled") is True:
        yield "portainer"


def _port_clashes(sections: Mapping[str, Any]) -> Iterator[Problem]:
    taken: dict[tuple[str, int], str] = {}
    for path, host, port in _places(sections):
        if not isinstance(host, str) or not isinstance(port, int):
            continue
        other = taken.setdefault((canonical_host(host), port), path)
        inside_one_pair = other.rsplit(".", 1)[0] == path.rsplit(".", 1)[0] and "." in path
        if other != path and not inside_one_pair:  # equal hosts in a pair: the schema says so
            yield Problem(
                path,
                f"port {port} on {host} is taken by {other}; give one of them another port or host",
            )


def _two_spellings(sections: Mapping[str, Any]) -> Iterator[Problem]:
    """One host under two spellings would have two connections, and pass for two hosts."""
    spelled: dict[str, str] = {}
    for path, host, _ in _places(sections):
        if isinstance(host, str):
            first = spelled.setdefault(canonical_host(host), host)
            if first != host:
                yield Problem(path, f"{host} and {first} are the same host; use one spelling")


def _unknown_stopped(sections: Mapping[str, Any]) -> Iterator[Problem]:
    stopped = sections.get("stopped", [])
    allowed = stoppable(sorted(_pairs(sections)))
    for entry in stopped if isinstance(stopped, list) else []:
        if isinstance(entry, str) and entry not in allowed:
            yield Problem("stopped", f"{entry!r} is not in this stack; use {', '.join(allowed)}")


def _shared_org(sections: Mapping[str, Any], other_orgs: Mapping[str, str]) -> Iterator[Problem]:
    org = paths.get(sections, "tenant.org_id")
    if isinstance(org, str) and org.lower() in other_orgs:
        yield Problem(
            "tenant.org_id",
            f"{org} also stands in {other_orgs[org.lower()]}; an EX organization can't be shared"
            " by two tenants",
        )


def _services(sections: Mapping[str, Any]) -> dict[str, Any]:
    """Path → what a service or pair has there, whatever that is."""
    return {
        **{name: sections.get(name) for name in ("excs", "exas")},
        **{f"excp.pairs.{number}": pair for number, pair in _pairs(sections).items()},
    }


def _logs_out_of_reach(sections: Mapping[str, Any]) -> Iterator[Problem]:
    base = paths.get(sections, "logs.container_path") or vendor.CONTAINER_LOG_PATH
    for name, part in _services(sections).items():
        path = paths.get(part, "log.path")
        if not isinstance(path, str) or not isinstance(base, str):
            continue
        if path != base and not path.startswith(base.rstrip("/") + "/"):
            yield Problem(
                f"{name}.log.path",
                f"{path} is not in {base} (logs.container_path), so its files would be lost with"
                " the container",
            )


def _log_directories_in_memory(sections: Mapping[str, Any]) -> Iterator[Problem]:
    base = paths.get(sections, "logs.container_path") or vendor.CONTAINER_LOG_PATH
    for name, part in _services(sections).items():
        directories = paths.get(part, "hardening.tmpfs")
        for path in directories if isinstance(directories, list) else ():
            if path == base:
                yield Problem(
                    f"{name}.hardening.tmpfs",
                    f"{path} is logs.container_path, which the host's log directory is mounted on",
                )


def _unknown_hosts(sections: Mapping[str, Any]) -> Iterator[Problem]:
    """Hosts that a setting names though the stack has no instance there."""
    hosts = {host for _, host, _ in _places(sections) if isinstance(host, str)}
    waive, ssh = paths.get(sections, "preflight.waive"), paths.get(sections, "ssh.hosts")
    for entry in map(str, waive if isinstance(waive, Mapping) else ()):
        _, at, host = entry.partition("@")
        if at and host not in hosts:
            yield Problem("preflight.waive", f"{entry!r}: {host!r} is not a host of this stack")
    for host in map(str, ssh if isinstance(ssh, Mapping) else ()):
        if host not in hosts:
            yield Problem(f"ssh.hosts.{host}", "is not a host of this stack")


def _monitoring_without_means(sections: Mapping[str, Any]) -> Iterator[Problem]:
    """What that which is placed beside EXEC can't do without."""
    has_host = paths.get(sections, "monitoring.host") is not None
    if not has_host and paths.get(sections, "logging.shipping") is None:
        return
    place = paths.get(sections, "registry.infra_repository")
    if place is None:
        why = "monitoring.host is: the images of Prometheus and the others come"
        if not has_host:
            why = "logging.shipping is: the image of its agent comes"
        yield Problem(
            "registry.infra_repository",
            f"is not set, but {why} from there; write for instance registry.example.com:5000/infra",
        )
    elif isinstance(place, str) and (why := place_problem(place)):
        yield Problem("registry.infra_repository", why)
    exporter = paths.get(sections, "monitoring.exporter") or paths.default_of("monitoring.exporter")
    if has_host and isinstance(exporter, str) and exporter.rpartition(":")[0] in _LOOPBACK:
        yield Problem(
            "monitoring.exporter",
            f"{exporter} is the host that asks, and Prometheus is placed at monitoring.host; write"
            " the address under which that host reaches the one where `exctl exporter` runs",
        )
