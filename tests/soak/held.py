"""What a soak holds after each operation: nothing of it may be left over, or grow without end."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from tests.lab.conftest import Site
from tests.lab.workspace import STACK


@dataclass(frozen=True)
class Held:
    """What is there once an operation has ended and all is well again."""

    processes: int
    """Of the operator's, without ssh's shared connections, which end by themselves."""
    shared_connections: int
    temporary_files: int
    state_kib: int
    """The state itself, without Pulumi's own history and copies of it."""
    pulumi_history_kib: int
    records_kib: int
    """Releases, history and transcripts."""
    other_kib: int
    """Everything else of the clone: settings, caches."""
    containers: int
    images: int
    daemon_files: int
    """Open files and sockets of the hosts' Docker daemons."""
    sockets: int
    """TCP connections on the hosts that are open, besides the containers' own."""
    host_kib: int
    """Log files on the hosts."""


NAMES = {
    "processes": "processes of the operator's",
    "shared_connections": "shared SSH connections",
    "temporary_files": "temporary files",
    "state_kib": "state, KiB",
    "pulumi_history_kib": "Pulumi's own history of it, KiB",
    "records_kib": "releases, history and transcripts, KiB",
    "other_kib": "the rest of the clone, KiB",
    "containers": "containers on the hosts",
    "images": "images on the hosts",
    "daemon_files": "open files of the Docker daemons",
    "sockets": "SSH connections at the hosts",
    "host_kib": "log files on the hosts, KiB",
}


def look(site: Site, temporary: Path) -> Held:
    work = site.work.directory
    hosts = [site.host(key) for key in site.hosts]
    state = site.work.backend / f".pulumi/stacks/exec/{STACK}.json"
    backend = _kib(site.work.backend)
    records = _kib(work / "releases") + _kib(work / ".exec")
    return Held(
        processes=processes(site),
        shared_connections=_names_of(site).count("ssh"),
        temporary_files=sum(path.is_file() for path in temporary.rglob("*")),
        state_kib=-(-state.stat().st_size // 1024),
        pulumi_history_kib=backend - -(-state.stat().st_size // 1024),
        records_kib=records,
        other_kib=_kib(work) - backend - records,
        containers=sum(len(h.run("docker", "ps", "-aq").split()) for h in hosts),
        images=sum(len(h.run("docker", "images", "-q").split()) for h in hosts),
        daemon_files=sum(
            int(h.run("sh", "-c", "ls /proc/$(pgrep -o -x dockerd)/fd | wc -l")) for h in hosts
        ),
        sockets=sum(
            len(h.run("ss", "-Htn", "state", "established", "sport", "=", ":22").splitlines())
            for h in hosts
        ),
        host_kib=sum(int(h.run("du", "-sk", "/var/log/exec").split()[0]) for h in hosts),
    )


def processes(site: Site) -> int:
    """Those of the operator's commands that run, without ssh's shared connections."""
    return sum(name != "ssh" for name in _names_of(site))


def broken(first: Held, now: Held, hosts: int, keep: int) -> list[str]:
    """The invariants that don't hold, in words; `keep` is releases.keep."""
    most: Mapping[str, int] = {
        "processes": 0,
        "shared_connections": 2 * hosts,
        "temporary_files": first.temporary_files,
        "state_kib": 2 * first.state_kib,
        "containers": hosts,
        # Those that run and those of the releases kept, at each host; two tags are all there are.
        "images": hosts * (keep + 1),
        "daemon_files": first.daemon_files + 10 * hosts,
        "sockets": 2 * hosts,
    }
    return [
        f"{NAMES[name]}: {getattr(now, name)}, at most {limit} allowed"
        for name, limit in most.items()
        if getattr(now, name) > limit
    ]


def table(all_of: list[Held]) -> dict[str, list[int]]:
    """Each by name: at the beginning, at the end, the most."""
    found = {}
    for field in fields(Held):
        values = [getattr(held, field.name) for held in all_of]
        found[NAMES[field.name]] = [values[0], values[-1], max(values)]
    return found


def _names_of(site: Site) -> list[str]:
    """The names of the processes that the operator's commands have started, by their environment:
    others on this machine may have labs too."""
    mark = f"PULUMI_HOME={site.work.directory}/home".encode()
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (process / "environ").read_bytes():
                found.append((process / "comm").read_text().strip())
        except OSError:  # it has ended meanwhile
            continue
    return found


def _kib(directory: Path) -> int:
    total = 0
    for base, _, names in os.walk(directory):
        for name in names:
            path = Path(base) / name
            if not path.is_symlink():
                total += path.stat().st_size
    return total // 1024
