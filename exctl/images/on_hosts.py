"""Which images each host has, and which of them its containers use; read over SSH."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from exctl.errors import ExctlError
from exctl.hosts import on_each, on_host, reached
from exctl.site import Site
from oci.reference import ImageReference
from oci.reference import parsed as parsed_reference

_SCRIPT = """
images=$(docker image ls -q --no-trunc | sort -u) || exit 3
containers=$(docker ps -aq --no-trunc) || exit 3
[ -z "$images" ] || docker image inspect --format \
'{"id":{{json .Id}},"tags":{{json .RepoTags}},"digests":{{json .RepoDigests}},"size":{{.Size}},'\
'"architecture":{{json .Architecture}}}' \
$images
echo containers
[ -z "$containers" ] || docker inspect --format '{{.Image}} {{.State.Running}} {{.Name}}' \
$containers
true
"""


@dataclass(frozen=True)
class HostImage:
    """One image on one host. `tags` and `digests` are whole references: `place/name:tag`,
    `place/name@sha256:…`; `size` in bytes, shared layers counted for each image."""

    host: str
    id: str
    tags: tuple[str, ...]
    digests: tuple[str, ...]
    size: int
    running: tuple[str, ...] = ()
    """Names of the containers that run it."""
    stopped: tuple[str, ...] = ()
    """Names of the containers made of it that don't run."""
    architecture: str = ""

    @property
    def references(self) -> tuple[ImageReference, ...]:
        return tuple(r for r in map(parsed_reference, (*self.tags, *self.digests)) if r is not None)

    @property
    def known_as(self) -> frozenset[str]:
        """Every digest that names it: of its manifests in registries, and its own id."""
        return frozenset({r.digest for r in self.references if r.digest} | {self.id})

    @property
    def is_used(self) -> bool:
        return bool(self.running or self.stopped)


def parsed(host: str, text: str) -> list[HostImage]:
    """The images in what the script printed. Pure."""
    images, _, containers = text.partition("containers\n")
    users: dict[str, list[tuple[bool, str]]] = {}
    for line in containers.splitlines():
        image, running, name = line.split(" ", 2)
        users.setdefault(image, []).append((running == "true", name.removeprefix("/")))
    found = []
    for line in images.splitlines():
        content = json.loads(line)
        of_it = users.get(content["id"], [])
        found.append(
            HostImage(
                host,
                content["id"],
                tuple(tag for tag in content["tags"] or () if not tag.startswith("<none>")),
                tuple(d for d in content["digests"] or () if not d.startswith("<none>")),
                content["size"],
                tuple(name for runs, name in of_it if runs),
                tuple(name for runs, name in of_it if not runs),
                content.get("architecture") or "",
            )
        )
    return found


def look(site: Site, hosts: Sequence[str]) -> dict[str, list[HostImage] | str]:
    """Host → its images, or why they aren't known."""
    return dict(zip(hosts, on_each(hosts, lambda host: _look(site, host)), strict=True))


def _look(site: Site, host: str) -> list[HostImage] | str:
    try:
        answer = reached(host, on_host(site, host)(["sh", "-c", _SCRIPT]))
    except ExctlError as error:
        return str(error)
    if answer.code != 0:
        return answer.stderr.strip() or f"docker ended with {answer.code}"
    return parsed(host, answer.stdout)


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
