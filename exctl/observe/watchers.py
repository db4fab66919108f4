"""What is placed beside EXEC, as its hosts say: what watches a stack, what ships its log files."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from exctl.hosts import on_each, on_host
from exctl.site import Site
from hosts import docker
from hosts.docker import Container, HostUnreadError
from monitoring.placement import placement
from monitoring.program import MONITORING_LABEL, Placement
from stack.text import counted


@dataclass(frozen=True)
class Watcher:
    """One program that is to be placed; `state` is Docker's word for its container, `missing`, or
    `unknown`: then `error` says why. `ships_to`: where it ships log files, '' if it watches."""

    name: str
    host: str
    url: str
    state: str
    error: str = ""
    ships_to: str = ""

    @property
    def is_well(self) -> bool:
        return self.state == "running"


def look(site: Site) -> list[Watcher]:
    """Each program that the stack file wants, in its order; [] where it wants none."""
    wanted = placement(site.config, site.layout, site.stack)
    return [] if wanted is None else of(wanted, containers_of(site, wanted.hosts))


def containers_on(site: Site, host: str) -> list[Container] | str:
    """The containers there that are this stack's beside EXEC; why not, if it can't be told."""
    label = f"label={MONITORING_LABEL}={site.stack}"
    try:
        return docker.containers(on_host(site, host), label)
    except HostUnreadError as error:
        return str(error)


Look = Callable[[Site, str], list[Container] | str]


def containers_of(
    site: Site, hosts: Sequence[str], look: Look = containers_on
) -> dict[str, list[Container] | str]:
    """Host → its containers beside EXEC, as `look` finds them; why not, if it can't be told."""
    found = on_each(hosts, lambda host: look(site, host))
    return dict(zip(hosts, found, strict=True))


def of(wanted: Placement, found: Mapping[str, list[Container] | str]) -> list[Watcher]:
    """What the hosts' words mean for each program; pure."""
    return [
        Watcher(
            program.name,
            program.host,
            program.url,
            *_state(wanted.container_name(program), found[program.host]),
            ships_to=program.to,
        )
        for program in wanted.programs
    ]


def _state(name: str, found: list[Container] | str) -> tuple[str, str]:
    if isinstance(found, str):
        return "unknown", found
    return next((each.state.word for each in found if each.name == name), "missing"), ""


def lines(found: Sequence[Watcher]) -> list[str]:
    """A line for those that watch, one for those that ship, and one for each that doesn't run."""
    well = [each for each in found if each.is_well]
    watching = [f"{each.name} {each.url}" for each in well if not each.ships_to]
    said = [f"watched by {', '.join(watching)}"] if watching else []
    if shipping := [each for each in well if each.ships_to]:
        said.append(shipped(shipping[0].name, len(shipping), shipping[0].ships_to))
    return said + [
        f"{'LOG FILES NOT SHIPPED' if each.ships_to else 'NOT WATCHED'} by {each.name} on"
        f" {each.host}: its container is {each.state}{f' ({each.error})' if each.error else ''}"
        for each in found
        if not each.is_well
    ]


def shipped(agent: str, hosts: int, to: str) -> str:
    return f"log files shipped by {agent} from {counted(hosts, 'host')} to {to}"
