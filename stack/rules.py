"""Rules that need several sections of a stack file, or the stack files beside it. Pure.

They read the raw sections and pass over whatever isn't well-formed, which the schema reports: so
that an operator sees all problems at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import vendor_facts as vendor
from stack.layout import stoppable


@dataclass(frozen=True)
class Problem:
    """Something wrong in a stack file: where, and what is found and allowed."""

    path: str
    text: str

    def __str__(self) -> str:
        return f"{self.path}: {self.text}"


def cross_problems(sections: Mapping[str, Any], other_orgs: Mapping[str, str]) -> list[Problem]:
    """What contradicts itself across sections; `other_orgs` is org id → the stack file it's in."""
    return [
        *_port_clashes(sections),
        *_unknown_stopped(sections),
        *_shared_org(sections, other_orgs),
        *_logs_out_of_reach(sections),
        *_unknown_hosts(sections),
    ]


def _at(value: object, *path: str) -> Any:
    for part in path:
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _pairs(sections: Mapping[str, Any]) -> dict[str, Any]:
    pairs = _at(sections, "excp", "pairs")
    return {str(k): v for k, v in pairs.items()} if isinstance(pairs, Mapping) else {}


def _places(sections: Mapping[str, Any]) -> Iterator[tuple[str, object, object]]:
    """(path, host, port) of every instance that is well-formed enough to have them."""
    for service, port in (("excs", vendor.EXCS_PORT), ("exas", vendor.EXAS_PORT)):
        yield service, _at(sections, service, "host"), _at(sections, service, "port") or port
    for number, pair in _pairs(sections).items():
        hosts = _at(pair, "hosts")
        for index, host in enumerate(hosts if isinstance(hosts, list) else [], 1):
            yield f"excp.pairs.{number}.hosts.{index}", host, _at(pair, "port") or vendor.EXCP_PORT


def _port_clashes(sections: Mapping[str, Any]) -> Iterator[Problem]:
    taken: dict[tuple[object, object], str] = {}
    for path, host, port in _places(sections):
        if not isinstance(host, str) or not isinstance(port, int):
            continue
        other = taken.setdefault((host, port), path)
        inside_one_pair = other.rsplit(".", 1)[0] == path.rsplit(".", 1)[0] and "." in path
        if other != path and not inside_one_pair:  # equal hosts in a pair: the schema says so
            yield Problem(
                path,
                f"port {port} on {host} is taken by {other}; give one of them another port or host",
            )


def _unknown_stopped(sections: Mapping[str, Any]) -> Iterator[Problem]:
    stopped = sections.get("stopped", [])
    allowed = stoppable(sorted(_pairs(sections)))
    for entry in stopped if isinstance(stopped, list) else []:
        if isinstance(entry, str) and entry not in allowed:
            yield Problem("stopped", f"{entry!r} is not in this stack; use {', '.join(allowed)}")


def _shared_org(sections: Mapping[str, Any], other_orgs: Mapping[str, str]) -> Iterator[Problem]:
    org = _at(sections, "tenant", "org_id")
    if isinstance(org, str) and org.lower() in other_orgs:
        yield Problem(
            "tenant.org_id",
            f"{org} also stands in {other_orgs[org.lower()]}; an EX organization can't be shared"
            " by two tenants",
        )


def _logs_out_of_reach(sections: Mapping[str, Any]) -> Iterator[Problem]:
    base = _at(sections, "logs", "container_path") or vendor.CONTAINER_LOG_PATH
    parts = {s: sections.get(s) for s in ("excs", "exas")}
    parts |= {f"excp.pairs.{number}": pair for number, pair in _pairs(sections).items()}
    for name, part in parts.items():
        path = _at(part, "log", "path")
        if not isinstance(path, str) or not isinstance(base, str):
            continue
        if path != base and not path.startswith(base.rstrip("/") + "/"):
            yield Problem(
                f"{name}.log.path",
                f"{path} is not in {base} (logs.container_path), so its files would be lost with"
                " the container",
            )


def _unknown_hosts(sections: Mapping[str, Any]) -> Iterator[Problem]:
    """Hosts that a setting names though the stack has no instance there."""
    hosts = {host for _, host, _ in _places(sections) if isinstance(host, str)}
    waive, ssh = _at(sections, "preflight", "waive"), _at(sections, "ssh", "hosts")
    for entry in map(str, waive if isinstance(waive, Mapping) else ()):
        _, at, host = entry.partition("@")
        if at and host not in hosts:
            yield Problem("preflight.waive", f"{entry!r}: {host!r} is not a host of this stack")
    for host in map(str, ssh if isinstance(ssh, Mapping) else ()):
        if host not in hosts:
            yield Problem(f"ssh.hosts.{host}", "is not a host of this stack")
