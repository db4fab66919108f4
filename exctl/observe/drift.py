"""What on the hosts is no longer as the last run left it, and what the stack file says beyond it.

Read only and without the stack's lock: it may be asked while a run goes on. A container's image and
variables can't be changed in place, so another id than the state's says that somebody replaced it;
its name, its restart policy and its limits can be, and are compared.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from exctl.hosts import containers_on, on_each
from exctl.observe import watchers
from exctl.observe.deployed import (
    BYTES_A_MIB,
    NANO,
    Deployed,
    deployed_containers,
    deployed_watchers,
)
from exctl.pulumi.state import WATCHER
from exctl.pulumi.workspace import exported
from exctl.releases import store
from exctl.site import Site
from hosts.docker import Container
from monitoring.placement import placement
from monitoring.program import Placement
from stack import yaml_text
from stack.layout import Instance, Layout

Kind = Literal["host changed", "not yet deployed", "unknown"]


@dataclass(frozen=True)
class Drift:
    """One difference; `what` says what was found against what is wanted, and what to do."""

    kind: Kind
    instance: str
    host: str
    what: str

    def __str__(self) -> str:
        return f"{self.instance} on {self.host}: {self.kind}: {self.what}"


def look(site: Site) -> list[Drift]:
    """Every difference, in the layout's order."""
    deployment = exported(site)
    deployed = deployed_containers(deployment)
    hosts = [*dict.fromkeys([*site.layout.hosts, *(d.host for d in deployed.values())])]
    found = dict(zip(hosts, on_each(hosts, lambda host: containers_on(site, host)), strict=True))
    last = store.last(site)
    before = last.stack_file if last else ""
    renewed = renewed_secrets(before, site.file.read_text("utf-8")) if before else set()
    return [
        *compare(site.layout, deployed, found),
        *not_yet_rotated(site.layout, deployed, renewed),
        *_of_watchers(site, deployment),
    ]


def _of_watchers(site: Site, deployment: Mapping[str, Any]) -> list[Drift]:
    deployed = deployed_watchers(deployment)
    hosts = [*dict.fromkeys(was.host for was in deployed.values())]
    wanted = placement(site.config, site.layout, site.stack)
    return compare_watchers(wanted, deployed, watchers.containers_of(site, hosts))


def compare_watchers(
    wanted: Placement | None,
    deployed: Mapping[str, Deployed],
    hosts: Mapping[str, list[Container] | str],
) -> list[Drift]:
    """The same of what is placed beside EXEC."""
    meant = {program.key: program for program in wanted.programs} if wanted else {}
    found = []
    for name in dict.fromkeys([*meant, *deployed]):
        program, was = meant.get(name), deployed.get(name)
        what = ""
        if was is None:
            what = "it isn't placed yet; place it with: exctl up"
        elif program is None:
            what = "the stack file no longer has it; remove it with: exctl up"
        elif was.host != program.host:
            what = f"the stack file moves it to {program.host}; move it with: exctl up"
        elif was.image not in ("", program.image):
            what = f"the stack file has {program.image}; deploy that with: exctl up"
        key = f"{WATCHER}{name}"
        place = was or program
        if what and place is not None:
            found.append(Drift("not yet deployed", key, place.host, what))
        if was is not None:
            found += _of_container(key, was, hosts.get(was.host, []))
    return found


def renewed_secrets(before: str, now: str) -> set[str]:
    """The secrets whose ciphertext differs between two texts of a stack file."""
    old, new = _ciphertexts(before), _ciphertexts(now)
    return {name for name in old.keys() | new.keys() if old.get(name) != new.get(name)}


def _ciphertexts(text: str) -> dict[str, str]:
    return {
        name: value["secure"]
        for name, value in yaml_text.settings_in(text).items()
        if yaml_text.holds_secret(value) and "secure" in value
    }


def compare(
    layout: Layout,
    deployed: Mapping[str, Deployed],
    hosts: Mapping[str, list[Container] | str],
) -> list[Drift]:
    """The differences between what is wanted, what was deployed, and what the hosts have."""
    found = [
        Drift(
            "not yet deployed", i.key, deployed[i.key].host if i.key in deployed else i.host, what
        )
        for i in layout.instances
        if (what := _not_yet_deployed(i, deployed.get(i.key)))
    ]
    meant = {instance.key for instance in layout.instances}
    for key, was in deployed.items():
        if key not in meant:
            what = "the stack file no longer has it, but it runs; remove it with: exctl up"
            found.append(Drift("not yet deployed", key, was.host, what))
        found += _of_container(key, was, hosts.get(was.host, []))
    silent = {host: said for host, said in hosts.items() if isinstance(said, str)}
    of_deployed = {was.host for was in deployed.values()}
    for host, said in silent.items():
        if host not in of_deployed:
            found.append(Drift("unknown", "", host, f"the host doesn't say: {said}"))
    return [*found, *_strays(deployed, hosts)]


def not_yet_rotated(
    layout: Layout, deployed: Mapping[str, Deployed], renewed: set[str]
) -> list[Drift]:
    """The instances whose secrets were set since the last release."""
    found = []
    for instance in layout.running:
        names = sorted(renewed & set(instance.secret_environment.values()))
        if names and instance.key in deployed:
            what = f"{', '.join(names)} was set since the last release; deploy it with: exctl up"
            found.append(Drift("not yet deployed", instance.key, instance.host, what))
    return found


def _not_yet_deployed(instance: Instance, was: Deployed | None) -> str:
    if was is None:
        return "" if instance.is_stopped else "it has no container yet; deploy it with: exctl up"
    if instance.is_stopped:
        return "the stack file stops it, but it runs; remove it with: exctl up"
    if was.host != instance.host:
        return f"the stack file moves it to {instance.host}; see: exctl preview"
    if was.spec != instance.spec_hash or was.image not in ("", instance.image):
        return "its settings in the stack file are newer than what runs; see: exctl preview"
    return ""


def _of_container(key: str, was: Deployed, containers: list[Container] | str) -> list[Drift]:
    if isinstance(containers, str):
        return [Drift("unknown", key, was.host, f"the host doesn't say: {containers}")]
    by_id = {container.id: container for container in containers}
    if was.id in by_id:
        return [Drift("host changed", key, was.host, what) for what in _changes(was, by_id[was.id])]
    other = next((c for c in containers if c.name == was.name), None)
    what = "its container is gone; recreate it with: exctl up"
    if other is not None:
        what = (
            f"somebody replaced the container {was.name} ({other.image}, {other.state.word}); see"
            " what differs with docker inspect, remove it, then: exctl up"
        )
    return [Drift("host changed", key, was.host, what)]


def _changes(was: Deployed, now: Container) -> list[str]:
    """What somebody has done to a container that is still the one we made."""
    found = []
    if now.state.word == "paused":
        found.append(f"its container is paused; on the host: docker unpause {now.name}")
    elif now.state.word != "running":
        found.append(f"its container is {now.state.word}; start it again with: exctl up")
    if now.name != was.name:
        found.append(
            f"its container is called {now.name} now; on the host: docker rename {now.name}"
            f" {was.name}"
        )
    if now.restart != was.restart:
        found.append(
            f"its restart policy is {now.restart}, not {was.restart}; on the host: docker update"
            f" --restart {was.restart} {now.name}"
        )
    limits = (
        ("memory limit", was.memory_bytes, now.memory_bytes, BYTES_A_MIB, "MiB"),
        ("CPU limit", was.nano_cpus, now.nano_cpus, NANO, "CPUs"),
    )
    for name, meant, there, unit, word in limits:
        if meant != there:
            found.append(
                f"its {name} is {_limit(there, unit, word)}, not {_limit(meant, unit, word)};"
                f" fix it with docker update{', or with: exctl restart' if was.spec else ''}"
            )
    return found


def _limit(value: int, unit: int, word: str) -> str:
    return f"{value / unit:g} {word}" if value else "none"


def _strays(
    deployed: Mapping[str, Deployed], hosts: Mapping[str, list[Container] | str]
) -> Sequence[Drift]:
    known = {was.id for was in deployed.values()}
    named = {(was.host, was.name) for was in deployed.values()}
    return [
        Drift(
            "host changed",
            container.name,
            host,
            f"a container {container.name} ({container.image}, {container.state.word}) that no"
            f" run of this stack created; if EXEC runs in it, take it over with: exctl adopt;"
            f" otherwise remove it on the host",
        )
        for host, containers in hosts.items()
        if not isinstance(containers, str)
        for container in containers
        if container.id not in known and (host, container.name) not in named
    ]
