"""What the hosts have of the vendor's deployment, and what is done to it: over SSH, by docker.

The one place where exctl changes something on a host by itself. What isn't Pulumi's can't be
changed by it, and a container that is to come back must only be stopped and renamed.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from exctl.adoption.legacy import ASIDE, Container, HostView, containers_of
from exctl.errors import ExctlError
from exctl.hosts import on_host, reached
from exctl.site import Site
from hosts.shell import HostAnswer
from stack.layout import Instance

STOP_EXTRA_SECONDS = 60.0
"""Chosen: what a host may take beyond the time that a container has to end by itself."""
CLEAR = r"""PASSWORD["']? *[=:] *["']?[^ "'$]"""
"""A line that has a password in clear, and not a reference or nothing."""
VENDORS_DIRECTORIES = ("$HOME/exec", "/usr/home/genesys/exec")


def view_of(site: Site, host: str) -> HostView:
    """All that matters on a host. ExctlError if it can't be told."""
    ids = _docker(site, host, "ps", "--all", "--quiet", "--no-trunc").split()
    inspected = _inspected(site, host, "container", ids)
    images = _inspected(site, host, "image", sorted({found["Image"] for found in inspected}))
    instances = [i for i in site.layout.instances if i.host == host]
    return HostView(
        containers_of(inspected, {image["Id"]: image for image in images}),
        frozenset(i.port for i in instances if _listens(site, host, i.port)),
        {i.image: found for i in instances if (found := _image_id(site, host, i.image))},
        _clear_files(site, host),
    )


def _docker(site: Site, host: str, *words: str) -> str:
    answer = reached(host, on_host(site, host)(["docker", *words]))
    return _checked(host, answer)


def _checked(host: str, answer: HostAnswer) -> str:
    if answer.code != 0:
        raise ExctlError(f"{host}: {answer.stderr.strip() or f'exit code {answer.code}'}")
    return answer.stdout


def _inspected(site: Site, host: str, kind: str, ids: Sequence[str]) -> Sequence[Mapping[str, Any]]:
    if not ids:
        return []
    found = json.loads(_docker(site, host, "inspect", "--type", kind, *ids))
    assert isinstance(found, list)
    return found


def _image_id(site: Site, host: str, name: str) -> str:
    words = ["docker", "image", "inspect", "--format", "{{.Id}}", name]
    answer = on_host(site, host)(words)
    return answer.stdout.strip() if answer.code == 0 else ""


def _listens(site: Site, host: str, port: int) -> bool:
    answer = on_host(site, host)(["ss", "-Hltn", f"sport = :{port}"])
    return bool(answer.stdout.strip())


def _clear_files(site: Site, host: str) -> tuple[str, ...]:
    """Files that the vendor's script left, with a password in clear; their content stays there."""
    script = (
        f"for d in {' '.join(VENDORS_DIRECTORIES)}; do"
        f' [ -d "$d" ] && grep -lE {shlex.quote(CLEAR)} "$d/.env" "$d"/*.y*ml 2>/dev/null;'
        " done; true"
    )
    return tuple(on_host(site, host)(["sh", "-c", script]).stdout.split("\n")[:-1])


def set_aside(site: Site, instance: Instance, container: Container) -> None:
    """Stop a legacy container and rename it, so that neither a reboot nor Docker starts it.

    ExctlError if the host doesn't do it: `bring_back` undoes whatever was done.
    """
    grace = instance.stop_grace_seconds
    script = (
        f"docker update --restart=no {container.id}"
        f" && docker stop -t {grace} {container.id}"
        f" && docker rename {container.id} {shlex.quote(container.name + ASIDE)}"
    )
    run = on_host(site, instance.host, grace + STOP_EXTRA_SECONDS)
    _checked(instance.host, run(["sh", "-c", script]))


def remove_ours(site: Site, instance: Instance) -> None:
    """Take this stack's container of the instance away, whether Pulumi knows it or not."""
    filters = f"label=exec.stack={site.stack}", f"label=exec.instance={instance.key}"
    words = [word for text in filters for word in ("--filter", text)]
    ids = _docker(site, instance.host, "ps", "--all", "--quiet", *words).split()
    if ids:
        run = on_host(site, instance.host, instance.stop_grace_seconds + STOP_EXTRA_SECONDS)
        stop = ["docker", "stop", "-t", str(instance.stop_grace_seconds), *ids]
        _checked(instance.host, run(stop))
        _docker(site, instance.host, "rm", "--force", *ids)


def bring_back(site: Site, instance: Instance, container: Container, restart: str) -> None:
    """Give a legacy container its name and restart policy back, and start it."""
    name = _docker(site, instance.host, "inspect", "--format", "{{.Name}}", container.id).strip()
    if name.lstrip("/") != container.own_name:
        _docker(site, instance.host, "rename", container.id, container.own_name)
    _docker(site, instance.host, "update", f"--restart={restart}", container.id)
    _docker(site, instance.host, "start", container.id)


def remove(site: Site, host: str, containers: Sequence[Container], files: Sequence[str]) -> None:
    """Remove containers that were set aside, and the vendor's files."""
    if containers:
        _docker(site, host, "rm", *(container.id for container in containers))
    if files:
        _checked(host, on_host(site, host)(["rm", "-f", "--", *files]))
