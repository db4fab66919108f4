"""Preflight: everything a deployment needs of its hosts and networks, checked before it begins.

Read only, without the stack's lock, and nothing is installed: one shell script a host, over the
connection that all of ours share, says what the host has and what can be reached from there.
"""

from __future__ import annotations

import shlex
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from exctl.hosts import on_each, on_host
from exctl.site import Site
from health.container import HostAnswer
from layout import Connection, Instance

DOCKER_MAJOR, KERNEL = 20, (4, 18)
CPUS, MEMORY_MIB, DISK_MIB = 2, 7500, 4096
"""Source: product facts, hosts: 2 CPUs, 8 GB, kernel 4.18, Docker 20; a host sold with 8 GB has
somewhat fewer MiB. Disk: Chosen: room for two releases of each image and a day's logs."""
SKEW_SECONDS = 2.0
"""Chosen: logs of a pair whose clocks differ by more can't be merged; tokens bear more."""
CONNECT_SECONDS = 3
BEGIN = "begin"


@dataclass(frozen=True)
class Finding:
    """One check on one host. `stops`: a deployment would fail, or harm something. `waived` is the
    reason that the stack file gives."""

    check: str
    host: str
    found: str
    needed: str
    is_ok: bool
    stops: bool = True
    fix: str = ""
    waived: str = ""

    @property
    def word(self) -> str:
        if self.is_ok:
            return "ok"
        if self.waived:
            return "waived"
        return "STOPS" if self.stops else "warning"


def examine(site: Site) -> list[Finding]:
    """Every finding, host by host."""
    hosts = site.layout.hosts
    each = on_each(hosts, lambda host: _host(site, host))
    waive = site.config.preflight.waive
    return [
        replace(finding, waived=waive.get(finding.check, ""))
        for findings in each
        for finding in findings
    ]


def _host(site: Site, host: str) -> list[Finding]:
    asked = time.time()
    answer = on_host(site, host, 30)(["sh", "-c", script(site, host)])
    answered = time.time()
    return list(findings(site, host, answer, (asked + answered) / 2, (answered - asked) / 2))


def script(site: Site, host: str) -> str:
    """What is run on a host: prints `key value` lines, in the order of their answers."""
    logs = shlex.quote(site.config.logs.host_path)
    lines = [
        f"echo {BEGIN}",
        "echo clock $(date +%s.%N)",
        "echo kernel $(uname -r)",
        "echo cpus $(nproc)",
        "echo memory $(awk '/^MemTotal/ {print int($2 / 1024)}' /proc/meminfo)",
        "echo docker $(docker version --format '{{.Server.Version}}' 2>&1 | tail -n 1)",
        "root=$(docker info --format '{{.DockerRootDir}}' 2>/dev/null)",
        "echo disk $(df -Pm \"${root:-/}\" 2>/dev/null | awk 'NR == 2 {print $4}')",
        f'd={logs}; while [ ! -e "$d" ]; do d=$(dirname "$d"); done; echo logs $d',
        "docker ps --format 'running {{.Names}} {{.Label \"exec.stack\"}}' 2>/dev/null",
    ]
    for instance in _of(site, host):
        lines.append(
            f"if ss -Hltn 'sport = :{instance.port}' 2>/dev/null | grep -q .;"
            f" then echo port {instance.port} taken; else echo port {instance.port} free; fi"
        )
    for to in targets(site, host):
        inner = f"exec 3<>/dev/tcp/{to.to_host}/{to.to_port}"
        lines.append(
            f"(if timeout {CONNECT_SECONDS} bash -c {shlex.quote(inner)} 2>/dev/null; then"
            f" echo to {to.to_host} {to.to_port} open; else"
            f" echo to {to.to_host} {to.to_port} closed; fi) &"
        )
    return "\n".join([*lines, "wait", ""])


def _of(site: Site, host: str) -> list[Instance]:
    return [i for i in site.layout.instances if i.host == host and not i.is_stopped]


def targets(site: Site, host: str) -> list[Connection]:
    """Where the instances of a host connect to, each address once; the registry besides. EXCS is
    left out: it is deployed by the same run."""
    excs = (site.config.excs.host, site.config.excs.port)
    registry, _, port = site.config.registry.repository.split("/")[0].partition(":")
    own = [
        c for c in site.layout.connections if c.from_host == host and (c.to_host, c.to_port) != excs
    ]
    own.append(Connection("", host, registry, int(port or 443), "HTTPS", "image registry"))
    return list({(c.to_host, c.to_port): c for c in own}.values())


def findings(
    site: Site, host: str, answer: HostAnswer, now: float, doubt_seconds: float
) -> Iterator[Finding]:
    """The findings that a host's answer amounts to; pure."""
    said = answer.stdout.splitlines()
    if BEGIN not in said:
        yield Finding(
            "ssh",
            host,
            answer.stderr.strip().splitlines()[-1] if answer.stderr.strip() else "no answer",
            f"login as {site.config.ssh.user}",
            False,
            fix="try it by hand with ssh; see docs/prerequisites.md",
        )
        return
    yield Finding("ssh", host, "logged in", f"login as {site.config.ssh.user}", True)
    facts = dict(line.split(" ", 1) for line in said if " " in line)
    yield from _of_the_machine(host, facts)
    skew = max(0.0, abs(float(facts.get("clock", "0")) - now) - doubt_seconds)
    yield Finding(
        "clock",
        host,
        f"{skew:.1f} s from this one's",
        f"within {SKEW_SECONDS:g} s",
        skew <= SKEW_SECONDS,
        False,
        "let chrony or systemd-timesyncd keep the clock",
    )
    yield from _of_ports(site, host, said)
    for to in targets(site, host):
        is_open = f"to {to.to_host} {to.to_port} open" in said
        yield Finding(
            f"connection {to.to_host}:{to.to_port}",
            host,
            "reached" if is_open else f"not reached within {CONNECT_SECONDS} s",
            to.purpose,
            is_open,
            fix="open the firewall from this host, or correct the address in the stack file",
        )


def _of_the_machine(host: str, facts: Mapping[str, str]) -> Iterator[Finding]:
    version = facts.get("docker", "")
    is_docker = version[:1].isdigit()
    yield Finding(
        "docker",
        host,
        version or "no answer",
        f"{DOCKER_MAJOR} or newer, without sudo",
        is_docker and int(version.split(".")[0]) >= DOCKER_MAJOR,
        fix="install docker.io or docker-ce, and put the user into the group docker",
    )
    kernel = tuple(int(n) for n in facts.get("kernel", "0.0").split("-")[0].split(".")[:2])
    yield Finding(
        "kernel",
        host,
        facts.get("kernel", "not known"),
        f"{KERNEL[0]}.{KERNEL[1]} or newer",
        kernel >= KERNEL,
        fix="use a newer system",
    )
    for name, least, unit, stops, fix in (
        ("cpus", CPUS, "", False, "give the host more"),
        ("memory", MEMORY_MIB, " MiB", False, "give the host more"),
        ("disk", DISK_MIB, " MiB free", True, "docker image prune, or a larger disk"),
    ):
        text = facts.get(name, "")
        has = int(text) if text.isdigit() else None
        yield Finding(
            name,
            host,
            "not known" if has is None else f"{has}{unit}",
            f"at least {least}{unit}",
            has is not None and has >= least,
            stops and has is not None,
            fix,
        )


def _of_ports(site: Site, host: str, said: list[str]) -> Iterator[Finding]:
    running = {
        line.split(" ")[1]: line.split(" ")[2] for line in said if line.startswith("running ")
    }
    for instance in _of(site, host):
        owner = running.get(instance.container_name)
        taken = f"port {instance.port} taken" in said
        found, is_ok, fix = "free", True, ""
        if owner is not None and owner != site.stack:
            whose = f"of the stack {owner}" if owner else "that this program hasn't made"
            found, is_ok = f"a container {instance.container_name} {whose}", False
            fix = "set tenant.container_prefix, or see docs/migrating.md to take it over"
        elif taken and owner is None:
            found, is_ok = "taken by another program", False
            fix = "stop it, or give the instance another port"
        elif taken:
            found = "ours"
        yield Finding(
            f"port {instance.port}", host, found, f"free, or {instance.key}'s", is_ok, True, fix
        )


def table(rows: list[Finding], everything: bool) -> list[str]:
    """Aligned lines; without `everything` only what isn't well."""
    shown = [row for row in rows if everything or not row.is_ok]
    cells = [("", "HOST", "CHECK", "FOUND", "NEEDED", "TO DO")] + [
        (row.word, row.host, row.check, row.found, row.needed, row.waived or row.fix)
        for row in shown
    ]
    widths = [max(len(row[column]) for row in cells) for column in range(6)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in cells
    ]


def stopping(rows: list[Finding]) -> list[Finding]:
    """What a deployment would fail on."""
    return [row for row in rows if not row.is_ok and row.stops and not row.waived]
