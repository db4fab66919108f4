"""Every image of a stack: in the registry or not, on which hosts, where it runs, who keeps it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from exctl.errors import ExctlError
from exctl.images.access import image_named, names_of, registry_errors, registry_of
from exctl.images.keeping import releases_of
from exctl.images.on_hosts import HostImage, known, look
from exctl.releases import store
from exctl.site import Site
from oci.reference import ImageReference
from stack.text import counted
from vendor_facts import SERVICES


@dataclass
class ImageRow:
    """One digest of one image; digest is empty for what only a host knows by its tag."""

    service: str
    name: str
    digest: str
    registry_tags: list[str] = field(default_factory=list)
    host_tags: list[str] = field(default_factory=list)
    hosts: list[str] = field(default_factory=list)
    running: list[str] = field(default_factory=list)
    releases: list[int] = field(default_factory=list)

    @property
    def sort_key(self) -> tuple[str, list[str]]:
        return self.name, sorted({*self.registry_tags, *self.host_tags})


@dataclass(frozen=True)
class Listing:
    """The rows, and who couldn't be asked: the registry or a host, with the reason."""

    rows: list[ImageRow]
    unknown: Mapping[str, str]
    has_registry: bool = True


def listing(site: Site, via: str | None) -> Listing:
    """Looks at the registry and at every host."""
    unknown: dict[str, str] = {}
    in_registry: dict[str, dict[str, str]] = {}
    names = {name: s for s in SERVICES for name in names_of(site.config, s)}
    has_registry = site.config.registry.is_used
    try:
        if has_registry:
            in_registry = _in_registry(site, names, via)
    except ExctlError as error:
        unknown["registry"] = str(error)
    found = look(site, site.layout.hosts)
    unknown |= {host: why for host, why in found.items() if isinstance(why, str)}
    recorded = releases_of(store.readable(site))
    images = {name: image_named(site.config, name) for name in names}
    found_rows = rows(names, images, in_registry, known(found), recorded, has_registry)
    return Listing(found_rows, unknown, has_registry)


def _in_registry(site: Site, names: Iterable[str], via: str | None) -> dict[str, dict[str, str]]:
    """Name → tag → digest."""
    found: dict[str, dict[str, str]] = {}
    registry = registry_of(site, via)
    with registry_errors(via):
        for name in names:
            image = image_named(site.config, name)
            digests = {tag: registry.digest(image.with_tag(tag)) for tag in registry.tags(image)}
            found[name] = {tag: digest for tag, digest in digests.items() if digest}
    return found


def rows(
    names: Mapping[str, str],
    images: Mapping[str, ImageReference],
    in_registry: Mapping[str, Mapping[str, str]],
    on_hosts: Iterable[HostImage],
    recorded: Mapping[str, Sequence[int]],
    has_registry: bool = True,
) -> list[ImageRow]:
    """The rows, by name and tag. `names`: image name → service; `in_registry`: image name → tag →
    digest; `recorded`: digest → numbers of releases. Without a registry an image's digest is
    its id. Pure."""
    found: dict[tuple[str, str], ImageRow] = {}

    def row(name: str, digest: str) -> ImageRow:
        fresh = ImageRow(names[name], name, digest, releases=list(recorded.get(digest, ())))
        return found.setdefault((name, digest), fresh)

    for name, tags in in_registry.items():
        for tag, digest in tags.items():
            row(name, digest).registry_tags.append(tag)
    for image in on_hosts:
        for name in names:
            ours = [r for r in image.named if r.place == images[name].place]
            digests = [r.digest for r in ours if r.digest] if has_registry else []
            tags_here = [r.tag for r in ours if r.tag]
            unnamed = "" if has_registry else image.id
            for digest in digests or ([unnamed] if tags_here else []):
                _note(row(name, digest), image, tags_here)
    return sorted(found.values(), key=lambda each: each.sort_key)


def _note(row: ImageRow, image: HostImage, tags: Sequence[str]) -> None:
    row.hosts.append(image.host)
    row.running += image.running
    row.host_tags += [tag for tag in tags if tag not in row.host_tags]


def table(listed: Listing) -> list[str]:
    """The rows as lines; tags that lead elsewhere in the registry than on a host say so."""
    lines = []
    for row in listed.rows:
        tags = " ".join(dict.fromkeys([*row.registry_tags, *row.host_tags])) or "(no tag)"
        where = []
        if listed.has_registry and "registry" not in listed.unknown:
            where.append("in the registry" if row.registry_tags else "not in the registry")
        if moved := [tag for tag in row.host_tags if tag not in row.registry_tags]:
            others = {t for r in listed.rows if r.name == row.name for t in r.registry_tags}
            where += [f"tag {tag} is another image there" for tag in moved if tag in others]
        where.append(f"on {counted(len(row.hosts), 'host')}" if row.hosts else "on no host")
        if row.running:
            where.append(f"runs as {', '.join(row.running)}")
        if row.releases:
            where.append(f"release {', '.join(map(str, row.releases))}")
        lines.append(f"{row.name}  {tags}  {row.digest[:19] or 'no digest'}  {'; '.join(where)}")
    lines += [f"{who} doesn't say: {why}" for who, why in listed.unknown.items()]
    return lines
