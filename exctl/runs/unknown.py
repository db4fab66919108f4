"""Containers of this stack that run on the hosts and that its state doesn't know: the state was
lost, or is an older one."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from exctl.errors import ExctlError
from exctl.hosts import on_each, on_host
from exctl.pulumi.ownership import ORG_LABEL, refuse_another
from exctl.pulumi.state import State
from exctl.site import Site
from hosts import docker
from hosts.docker import INSTANCE_LABEL, STACK_LABEL, Container, HostUnreadError


@dataclass(frozen=True)
class UnknownContainer:
    """One container with this stack's labels that isn't in the state."""

    host: str
    instance: str
    container: Container

    def __str__(self) -> str:
        it = self.container
        return f"{self.instance} on {self.host} (container {it.name}, {it.state.word})"


@dataclass(frozen=True)
class HostsSeen:
    """What the hosts have with the labels of EXEC, and why those that didn't say didn't."""

    unknown: tuple[UnknownContainer, ...] = ()
    unread: tuple[str, ...] = ()


def look(site: Site, known: State, hosts: Iterable[str]) -> HostsSeen:
    """Asks the hosts. ExctlError if a container that the state knows carries another stack's
    label: the state isn't ours."""
    every = list(dict.fromkeys(hosts))
    answers = dict(zip(every, on_each(every, lambda host: _labelled(site, host)), strict=True))
    listed = {host: found for host, found in answers.items() if not isinstance(found, str)}
    refuse_another(site, others(known, listed, site.stack))
    unread = tuple(f"{host}: {found}" for host, found in answers.items() if isinstance(found, str))
    return HostsSeen(tuple(unknown(known, listed, site.stack, site.config.tenant.org_id)), unread)


def _labelled(site: Site, host: str) -> list[Container] | str:
    try:
        return docker.containers(on_host(site, host), f"label={STACK_LABEL}")
    except HostUnreadError as error:
        return str(error)


def others(known: State, listed: dict[str, list[Container]], stack: str) -> list[str]:
    """The containers of the state that are another stack's, as their hosts say; pure."""
    ids = set(known.containers.values())
    return [
        f"the container {each.name} on {host} is the stack {each.stack}'s"
        for host, found in listed.items()
        for each in found
        if each.id in ids and each.stack != stack
    ]


def unknown(
    known: State, listed: dict[str, list[Container]], stack: str, org_id: str
) -> list[UnknownContainer]:
    """Those of this stack and organization that the state doesn't have; pure.

    What a killed run was making isn't one of them: the next run goes on with it.
    """
    ids = set(known.containers.values())
    return [
        UnknownContainer(host, each.labels.get(INSTANCE_LABEL, "?"), each)
        for host, found in listed.items()
        for each in found
        if each.stack == stack
        and each.labels.get(ORG_LABEL, org_id) == org_id
        and each.id not in ids
        and each.labels.get(INSTANCE_LABEL) not in known.being_made
    ]


def refuse_to_deploy(site: Site, seen: HostsSeen, keys: Collection[str]) -> None:
    """ExctlError if one of the instances is there without the state's knowledge; of one that isn't
    meant to run, only if it does."""
    running = {instance.key for instance in site.layout.running}
    found = [
        each
        for each in seen.unknown
        if each.instance in keys
        and not each.container.name.endswith(docker.ASIDE)
        and (each.instance in running or each.container.is_running)
    ]
    if not found:
        return
    raise ExctlError(
        f"the state of the stack {site.stack} doesn't know what runs:{lines(found)}\nThe state was"
        " lost, is an older one, or is elsewhere: first check PULUMI_BACKEND_URL and the backend"
        " in Pulumi.yaml. To take them back into the state, without an outage: exctl adopt"
        f" --stack {site.stack}",
        touched=False,
    )


def refuse_to_destroy(site: Site, seen: HostsSeen) -> None:
    """ExctlError if something of this stack is there that the state doesn't know."""
    if not seen.unknown:
        return
    meant = {instance.key for instance in site.layout.instances}
    aside = [each for each in seen.unknown if each.container.name.endswith(docker.ASIDE)]
    adoptable = [e for e in seen.unknown if e.instance in meant and e not in aside]
    elsewhere = [e for e in seen.unknown if e.instance not in meant and e not in aside]
    said = [f"the state of the stack {site.stack} doesn't know all of it:{lines(seen.unknown)}"]
    if adoptable:
        said.append(
            "The state was lost, is an older one, or is elsewhere: first check"
            " PULUMI_BACKEND_URL and the backend in Pulumi.yaml. To take them back into the"
            " state, then destroy:"
            f" exctl adopt --stack {site.stack}"
        )
    said += [
        f"{each.instance} is no longer in the stack file. To remove it, on {each.host}: docker"
        f" stop {each.container.name}; docker rm {each.container.name}"
        for each in elsewhere
    ]
    said += [
        f"{each.container.name} was set aside when it was adopted. To remove it, on {each.host}:"
        f" docker rm {each.container.name}"
        for each in aside
    ]
    raise ExctlError("\n".join(said), touched=False)


def lines(found: Sequence[UnknownContainer]) -> str:
    """Each on a line of its own, the first one too."""
    return "".join(f"\n  {each}" for each in found)
