"""What on the hosts is no longer as the last run left it, and what the stack file says beyond it.

Read only and without the stack's lock: it may be asked while a run goes on. A container's image and
variables can't be changed in place, so another id than the state's says that somebody made it anew.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from exctl.hosts import on_each, on_host
from exctl.plan import CONTAINER_TYPE
from exctl.site import Site
from exctl.workspace import open_stack
from layout import Layout

Kind = Literal["host changed", "not yet deployed", "not known"]
_FORMAT = (
    '{"id":{{json .ID}},"name":{{json .Names}},"state":{{json .State}},"image":{{json .Image}}}'
)


@dataclass(frozen=True)
class Drift:
    """One difference; `what` says what was found against what is meant, and what to do."""

    kind: Kind
    instance: str
    host: str
    what: str

    def __str__(self) -> str:
        return f"{self.instance} on {self.host}: {self.kind}: {self.what}"


@dataclass(frozen=True)
class OnHost:
    """A container that a host has: `id` in full, and Docker's word for its state."""

    id: str
    name: str
    state: str
    image: str


@dataclass(frozen=True)
class Deployed:
    """A container as the last run left it."""

    id: str
    host: str
    name: str
    spec: str


def look(site: Site) -> list[Drift]:
    """Every difference, in the layout's order."""
    deployed = deployed_containers(open_stack(site).export_stack().deployment or {})
    hosts = [*dict.fromkeys([*site.layout.hosts, *(d.host for d in deployed.values())])]
    found = dict(zip(hosts, on_each(hosts, lambda host: containers_on(site, host)), strict=True))
    return compare(site.layout, deployed, found)


def containers_on(site: Site, host: str) -> list[OnHost] | str:
    """The containers with this stack's label or one of its names; why not, if it can't be told."""
    ours = [i.container_name for i in site.layout.instances if i.host == host]
    listed: dict[str, OnHost] = {}
    filters = [f"label=exec.stack={site.stack}", *(f"name=^/{name}$" for name in ours)]
    for word in filters:
        words = ["docker", "ps", "-a", "--no-trunc", "--filter", word, "--format", _FORMAT]
        answer = on_host(site, host)(words)
        if answer.code != 0:
            return answer.stderr.strip() or f"docker ps ended with {answer.code}"
        for line in answer.stdout.splitlines():
            container = OnHost(**json.loads(line))
            listed[container.id] = container
    return list(listed.values())


def deployed_containers(deployment: Mapping[str, Any]) -> dict[str, Deployed]:
    """Instance → its container in the state."""
    found: dict[str, Deployed] = {}
    for row in deployment.get("resources") or []:
        if row["type"] != CONTAINER_TYPE or row.get("delete"):
            continue
        labels = {e["label"]: e["value"] for e in row["outputs"].get("labels") or []}
        name = row["urn"].rpartition("::")[2].removeprefix("container-")
        host = row["provider"].split("::")[3].removeprefix("provider-")
        found[name] = Deployed(
            row["id"], host, row["outputs"].get("name", name), labels.get("exec.spec", "")
        )
    return found


def compare(
    layout: Layout,
    deployed: Mapping[str, Deployed],
    hosts: Mapping[str, list[OnHost] | str],
) -> list[Drift]:
    """The differences between what is meant, what was deployed, and what the hosts have."""
    found: list[Drift] = []
    for instance in layout.instances:
        was = deployed.get(instance.key)
        if was is None:
            if not instance.is_stopped:
                what = "it has no container yet; deploy it with: exctl up"
                found.append(Drift("not yet deployed", instance.key, instance.host, what))
        elif instance.is_stopped:
            what = "the stack file stops it, but it runs; remove it with: exctl up"
            found.append(Drift("not yet deployed", instance.key, was.host, what))
        elif was.spec != instance.spec_hash:
            what = "its settings in the stack file are newer than what runs; see: exctl preview"
            found.append(Drift("not yet deployed", instance.key, instance.host, what))
    for key, was in deployed.items():
        found += _of_container(key, was, hosts.get(was.host, []))
    known = {was.id for was in deployed.values()}
    named = {was.name for was in deployed.values()}
    for host, containers in hosts.items():
        for container in containers if isinstance(containers, list) else ():
            if container.id not in known and container.name not in named:
                what = (
                    f"a container {container.name} ({container.image}, {container.state}) that no"
                    " run of this stack has made; remove it by hand if nobody needs it"
                )
                found.append(Drift("host changed", container.name, host, what))
    return found


def _of_container(key: str, was: Deployed, containers: list[OnHost] | str) -> list[Drift]:
    if isinstance(containers, str):
        return [Drift("not known", key, was.host, f"the host doesn't say: {containers}")]
    by_id = {container.id: container for container in containers}
    if was.id in by_id:
        state = by_id[was.id].state
        if state == "running":
            return []
        what = f"its container is {state}; start it again with: exctl up"
        return [Drift("host changed", key, was.host, what)]
    other = next((c for c in containers if c.name == was.name), None)
    what = "its container is gone; make it again with: exctl up"
    if other is not None:
        what = (
            f"somebody made the container {was.name} anew ({other.image}, {other.state}); see what"
            " differs with docker inspect, remove it, then: exctl up"
        )
    return [Drift("host changed", key, was.host, what)]
