"""One look at a host over SSH: its containers, clock, disks, and the certificates it is shown."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from health.preflight.subject import ServerAddress, Subject
from health.preflight.tunnel import Tunnels, trusting_anybody
from hosts import docker
from hosts.answer import HostCommand
from hosts.container import ContainerState
from hosts.docker import HostUnreadError
from hosts.shell import command_over_ssh
from monitoring.program import Placement
from monitoring.seen import Disk, HostSeen
from stack.ssh import ssh_target

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

COMMAND_SECONDS = 15.0
BYTES_A_KIB = 1024
_MISSING = ContainerState("missing")
_NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?")
_FACTS = """
printf 'clock\\t%s\\n' "$(date +%s.%N)"
root=$(docker info --format '{{.DockerRootDir}}' 2>/dev/null)
for path in "$@" "$root"; do
  while [ -n "$path" ] && [ "$path" != / ] && [ ! -e "$path" ]; do path=$(dirname "$path"); done
  [ -z "$path" ] || df -Pk "$path" 2>/dev/null | awk -v path="$path" \\
    'NR == 2 { printf "disk\\t%s\\t%s\\t%s\\n", path, $2, $4 }'
done
"""
"""Prints lines of a key and its values, with tabs between. Needs a POSIX shell, awk and df."""


def over_ssh(subject: Subject, host: str) -> HostCommand:
    return command_over_ssh(ssh_target(subject.config.ssh, host).command, COMMAND_SECONDS)


def look_at(
    subject: Subject,
    host: str,
    wanted: Placement | None,
    on: Callable[[Subject, str], HostCommand] = over_ssh,
) -> HostSeen:
    """What the host says now, but for certificates; `wanted` is what is to be placed beside EXEC.
    Never raises for what a host does: one that doesn't answer is a fact."""
    run = on(subject, host)
    looked_at = time.time()
    instances = [i for i in subject.layout.instances if i.host == host]
    shippers = {} if wanted is None else wanted.shippers_on(host)
    names = [*(i.container_name for i in instances), *shippers.values()]
    try:
        found = docker.containers(run, *(f"name=^/{name}$" for name in names))
    except HostUnreadError:
        return HostSeen(looked_at, False)
    states = {each.name: each.state for each in found}
    clock, disks = _facts(run, subject.config.logs.host_path)
    return HostSeen(
        looked_at=looked_at,
        is_up=True,
        containers={i.key: states.get(i.container_name, _MISSING) for i in instances},
        clock_ahead_seconds=clock,
        disks=disks,
        shippers={agent: states.get(name, _MISSING) for agent, name in shippers.items()},
    )


def _facts(run: HostCommand, log_path: str) -> tuple[float | None, tuple[Disk, ...]]:
    asked_at = time.time()
    answer = run(["sh", "-c", _FACTS, "sh", log_path])
    doubt = (time.time() - asked_at) / 2
    rows = [line.split("\t") for line in answer.stdout.splitlines()] if answer.is_complete else []
    read = [float(row[1]) for row in rows if row[0] == "clock" and _NUMBER.fullmatch(row[1])]
    return (certain(read[0] - asked_at - doubt, doubt) if read else None), tuple(disks_in(rows))


def certain(ahead_seconds: float, doubt_seconds: float) -> float:
    """What is certain of a difference of clocks, with its sign; 0.0 if it may be none."""
    size = max(0.0, abs(ahead_seconds) - doubt_seconds)
    return -size if size and ahead_seconds < 0 else size


def disks_in(rows: Sequence[Sequence[str]]) -> Iterator[Disk]:
    """The disks among the lines that the host printed, each path once."""
    seen = set()
    for row in rows:
        if len(row) != 4 or row[0] != "disk" or row[1] in seen:
            continue
        if row[2].isdecimal() and row[3].isdecimal():
            seen.add(row[1])
            yield Disk(row[1], int(row[2]) * BYTES_A_KIB, int(row[3]) * BYTES_A_KIB)


def expiries(subject: Subject, host: str) -> dict[str, float]:
    """Endpoint → when the certificate expires that it shows to this host; without those that
    showed none. Whether it is trusted is the preflight's question: an expired one is told too."""
    ends: list[ServerAddress] = [subject.cloud[0]]
    if subject.registry is not None and not subject.config.registry.insecure:
        ends.append(subject.registry)
    ssh = ssh_target(subject.config.ssh, host).command
    with Tunnels(ssh) as tunnels:
        found = {str(end): _shown_by(tunnels, end) for end in ends}
    return {
        end: certificate.not_valid_after_utc.timestamp()
        for end, certificate in found.items()
        if certificate is not None
    }


def _shown_by(tunnels: Tunnels, end: ServerAddress) -> Certificate | None:
    from cryptography import x509

    try:
        connection = tunnels.connect(end)
        with trusting_anybody().wrap_socket(connection, server_hostname=end.host) as secure:
            shown = secure.getpeercert(binary_form=True)
        return None if shown is None else x509.load_der_x509_certificate(shown)
    except (OSError, ValueError):
        return None
