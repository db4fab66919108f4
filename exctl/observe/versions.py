"""Which instances run which version, as Docker on their hosts says. Read only."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from exctl.hosts import on_each, on_host
from exctl.site import Site
from hosts import docker
from hosts.docker import INSTANCE_LABEL, Container, HostUnreadError, Image
from oci.reference import ImageReference, parsed
from stack.layout import Instance, Layout

NONE, UNKNOWN = "no container", "unknown"
SHORT_ID_CHARACTERS = 19
"""`sha256:` and the twelve digits that Docker shows."""


def line(site: Site, left_out: Collection[str] = ()) -> str:
    """One line: what each instance runs; nothing is asked of the hosts of those left out."""
    silent = {i.host for i in site.layout.instances if i.key in left_out}
    hosts = [host for host in site.layout.hosts if host not in silent]
    found = dict(zip(hosts, on_each(hosts, lambda host: _on(site, host)), strict=True))
    by_key = {i.key: (found.get(i.host) or {}).get(i.key, UNKNOWN) for i in site.layout.instances}
    return shown(site.layout, by_key)


def shown(layout: Layout, versions: Mapping[str, str]) -> str:
    """The same from the instances' versions, with the pairs that have two. Pure."""
    each = ", ".join(f"{i.key} {versions[i.key]}" for i in layout.instances)
    split = [
        number
        for number, members in layout.pairs
        if len({versions[i.key] for i in members} - {NONE, UNKNOWN}) > 1
    ]
    skew = "".join(f"; VERSION SKEW: the instances of pair {number} differ" for number in split)
    return f"running now: {each}{skew}"


def _on(site: Site, host: str) -> dict[str, str] | None:
    """Instance → version on one host; None if it doesn't say."""
    run = on_host(site, host)
    try:
        containers = docker.containers_of_stack(run, site.stack)
        images = docker.images(run, sorted({c.image_id for c in containers})) if containers else []
    except HostUnreadError:
        return None
    meant = [i for i in site.layout.instances if i.host == host]
    return {i.key: version(i, containers, images) for i in meant}


def version(instance: Instance, containers: Iterable[Container], images: Iterable[Image]) -> str:
    """The tag of the image that the instance's container was made of, its id where none names it
    any more; with the container's state unless it runs. Pure."""
    ours = [
        c
        for c in containers
        if c.labels.get(INSTANCE_LABEL) == instance.key and c.name == instance.container_name
    ]
    if not ours:
        return NONE
    place = ImageReference.parse(instance.place)
    names = [parsed(tag) for i in images if i.id == ours[0].image_id for tag in i.tags]
    tags = [n.tag for n in names if n is not None and n.tag and n == place.with_tag(n.tag)]
    tag = instance.tag if instance.tag in tags else "/".join(sorted(tags))
    word = "" if ours[0].state.word == "running" else f" ({ours[0].state.word})"
    return f"{tag or ours[0].image_id[:SHORT_ID_CHARACTERS]}{word}"
