"""Which images each host has, and which of them its containers use; read over SSH."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields

from exctl.hosts import on_each, on_host
from exctl.site import Site
from hosts import docker
from hosts.docker import Container, HostUnreadError, Image
from oci.reference import ImageReference, parsed

LOOK_SECONDS = 60.0
"""Chosen: a host with hundreds of images and containers under load."""


@dataclass(frozen=True, kw_only=True)
class HostImage(Image):
    """An image on a host, with the containers made of it."""

    host: str
    running: tuple[str, ...] = ()
    """Names of the containers that run it."""
    stopped: tuple[str, ...] = ()
    """Names of the containers made of it that don't run."""

    @property
    def named(self) -> tuple[ImageReference, ...]:
        return tuple(r for r in map(parsed, self.names) if r is not None)

    @property
    def known_as(self) -> frozenset[str]:
        """Every digest that names it: of its manifests in registries, and its own id."""
        return frozenset({r.digest for r in self.named if r.digest} | {self.id})

    @property
    def is_used(self) -> bool:
        return bool(self.running or self.stopped)


def of_host(host: str, images: Iterable[Image], containers: Iterable[Container]) -> list[HostImage]:
    """The host's images, each with the containers made of it. Pure."""
    users: dict[str, list[Container]] = {}
    for container in containers:
        users.setdefault(container.image_id, []).append(container)
    return [
        HostImage(
            **{each.name: getattr(image, each.name) for each in fields(image)},
            host=host,
            running=tuple(c.name for c in users.get(image.id, ()) if c.is_running),
            stopped=tuple(c.name for c in users.get(image.id, ()) if not c.is_running),
        )
        for image in images
    ]


def look(site: Site, hosts: Sequence[str]) -> dict[str, list[HostImage] | str]:
    """Host → its images, or why they aren't known."""
    return dict(zip(hosts, on_each(hosts, lambda host: _look(site, host)), strict=True))


def _look(site: Site, host: str) -> list[HostImage] | str:
    run = on_host(site, host, LOOK_SECONDS)
    try:
        return of_host(host, docker.images(run), docker.containers(run))
    except HostUnreadError as error:
        return str(error)


def known(found: dict[str, list[HostImage] | str]) -> list[HostImage]:
    """The images of the hosts that answered."""
    return [image for images in found.values() if isinstance(images, list) for image in images]


def remove(site: Site, host: str, references: Iterable[str]) -> str:
    """Take these names off the image, and the image with the last; what went wrong, or nothing.

    Never by force: Docker itself refuses where a container was made of it meanwhile.
    """
    names = list(dict.fromkeys(references))
    answer = on_host(site, host, 120)(["docker", "image", "rm", *names])
    # A digest goes with its last tag: that it's gone is what was wanted.
    wrong = [line for line in answer.stderr.splitlines() if "No such image" not in line]
    return " ".join(wrong).strip() if answer.code else ""
