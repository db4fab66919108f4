"""What the hosts have of the vendor's deployment, and what is done to it: over SSH, by docker.

The one place where exctl changes something on a host by itself. What isn't Pulumi's can't be
changed by it, and a container that is to come back must only be stopped and renamed.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence

from exctl.adoption.legacy import Candidate, LegacyHost, candidates
from exctl.errors import ExctlError
from exctl.hosts import on_host, reached
from exctl.site import Site
from hosts import commands, docker
from hosts.answer import HostAnswer, HostCommand
from hosts.docker import ASIDE, HostUnreadError
from stack.layout import Instance

STOP_EXTRA_SECONDS = 60.0
"""Chosen: what a host may take beyond the time that a container has to end by itself."""
CLEAR = r"""PASSWORD["']? *[=:] *["']?[^ "'$]"""
"""A line that has a password in plaintext, and not a reference or nothing."""
VENDORS_DIRECTORIES = ("$HOME/exec", "/usr/home/genesys/exec")


def view_of(site: Site, host: str) -> LegacyHost:
    """All that matters on a host. ExctlError if it can't be told."""
    run = on_host(site, host)
    instances = [i for i in site.layout.instances if i.host == host]
    try:
        containers = docker.containers(run)
        ids = sorted({c.image_id for c in containers})
        images = docker.images(run, [*ids, *(i.image for i in instances)])
    except HostUnreadError as error:
        raise ExctlError(f"{host}: {error}") from None
    by_name = {name: image.id for image in images for name in image.names}
    return LegacyHost(
        candidates(containers, {image.id: image for image in images}),
        listening(host, run, [i.port for i in instances]),
        {i.image: by_name[i.image] for i in instances if i.image in by_name},
        _clear_files(host, run),
    )


def _checked(host: str, answer: HostAnswer) -> str:
    reached(host, answer)
    if answer.code != 0:
        raise ExctlError(f"{host}: {answer.why()}")
    return answer.stdout


def listening(host: str, run: HostCommand, ports: Iterable[int]) -> frozenset[int]:
    """Those of the ports that something listens on. ExctlError if the host doesn't say."""
    said = {port: run(["ss", "-Hltn", f"sport = :{port}"]) for port in ports}
    return frozenset(port for port, answer in said.items() if _checked(host, answer).strip())


def _clear_files(host: str, run: HostCommand) -> tuple[str, ...]:
    """Files that the vendor's script left, with plaintext passwords; their content stays there."""
    script = (
        f"for d in {' '.join(VENDORS_DIRECTORIES)}; do"
        f' [ -d "$d" ] && grep -lE {shlex.quote(CLEAR)} "$d/.env" "$d"/*.y*ml 2>/dev/null;'
        " done; true"
    )
    return tuple(_checked(host, run(["sh", "-c", script])).split("\n")[:-1])


def set_aside(site: Site, instance: Instance, container: Candidate) -> None:
    """Stop a legacy container and rename it, so that neither a reboot nor Docker starts it.

    ExctlError if the host doesn't do it: `bring_back` undoes whatever was done.
    """
    grace = instance.stop_grace_seconds
    run = on_host(site, instance.host, grace + STOP_EXTRA_SECONDS)
    name = container.name + ASIDE
    _checked(instance.host, commands.set_aside(run, container.id, name, grace))


def remove_ours(site: Site, instance: Instance) -> None:
    """Take this stack's container of the instance away, whether Pulumi knows it or not."""
    grace = instance.stop_grace_seconds
    run = on_host(site, instance.host, grace + STOP_EXTRA_SECONDS)
    try:
        found = docker.containers_of_stack(run, site.stack)
    except HostUnreadError as error:
        raise ExctlError(f"{instance.host}: {error}") from None
    ids = [
        c.id
        for c in found
        if c.labels.get(docker.INSTANCE_LABEL) == instance.key and not c.name.endswith(ASIDE)
    ]
    if ids:
        _checked(instance.host, commands.remove(run, ids, grace))


def bring_back(site: Site, instance: Instance, container: Candidate, restart: str) -> None:
    """Give a legacy container its name and restart policy back, and start it."""
    run = on_host(site, instance.host, STOP_EXTRA_SECONDS)
    name = container.own_name
    _checked(instance.host, commands.bring_back(run, container.id, name, restart))


def remove(site: Site, host: str, containers: Sequence[Candidate], files: Sequence[str]) -> None:
    """Remove containers that were set aside, and the vendor's files."""
    run = on_host(site, host, STOP_EXTRA_SECONDS)
    if containers:
        _checked(host, run(["docker", "rm", *(container.id for container in containers)]))
    if files:
        _checked(host, commands.remove_files(run, files))
