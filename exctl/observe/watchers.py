"""What watches the stack at `monitoring.host`, as that host says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from exctl.hosts import on_host
from exctl.site import Site
from hosts import docker
from hosts.docker import Container, HostUnreadError
from monitoring.placement import MONITORING_LABEL, Placement, placement


@dataclass(frozen=True)
class Watcher:
    """One program that is to be placed; `state` is Docker's word for its container, `missing`, or
    `unknown`: then `error` says why."""

    name: str
    host: str
    url: str
    state: str
    error: str = ""

    @property
    def is_well(self) -> bool:
        return self.state == "running"


def look(site: Site) -> list[Watcher]:
    """Each program that the stack file wants, in its order; [] without a `monitoring.host`."""
    wanted = placement(site.config, site.layout, site.stack)
    return [] if wanted is None else of(wanted, containers_on(site, wanted.host))


def containers_on(site: Site, host: str) -> list[Container] | str:
    """The containers there that watch this stack; why not, if it can't be told."""
    label = f"label={MONITORING_LABEL}={site.stack}"
    try:
        return docker.containers(on_host(site, host), label)
    except HostUnreadError as error:
        return str(error)


def of(wanted: Placement, found: list[Container] | str) -> list[Watcher]:
    """What the host's word means for each program; pure."""
    words = {} if isinstance(found, str) else {each.name: each.state.word for each in found}
    unknown = ("unknown", found) if isinstance(found, str) else None
    return [
        Watcher(
            program.name,
            wanted.host,
            wanted.url(program),
            *(unknown or (words.get(wanted.container_name(program), "missing"),)),
        )
        for program in wanted.programs
    ]


def lines(found: Sequence[Watcher]) -> list[str]:
    """A line for those that run, and one for each that doesn't."""
    well = [each for each in found if each.is_well]
    said = [f"watched by {', '.join(f'{e.name} {e.url}' for e in well)}"] if well else []
    return said + [
        f"NOT WATCHED by {each.name} on {each.host}: its container is {each.state}"
        f"{f' ({each.error})' if each.error else ''}"
        for each in found
        if not each.is_well
    ]
