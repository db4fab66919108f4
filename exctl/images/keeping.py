"""Which images on the hosts are to stay: what runs, what is about to, and what a rollback needs.

Pure. An image is named by digest wherever one is known, since a tag may have been pushed over.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from config_schema import ExecConfig
from exctl.images.access import all_names
from exctl.images.on_hosts import HostImage
from exctl.releases.store import Release
from stack.layout import Layout


@dataclass(frozen=True)
class Kept:
    """What stays, by whole reference: `place/name:tag`, `place/name@sha256:…`."""

    references: frozenset[str]
    digests: frozenset[str]

    def keeps(self, image: HostImage) -> bool:
        if self.references & set(image.references):
            return True
        return any(reference.rpartition("@")[2] in self.digests for reference in image.digests)


def kept(layouts: Iterable[Layout], releases: Iterable[Release]) -> Kept:
    """What these stacks run or are about to, and what these releases go back to."""
    references = {instance.image for layout in layouts for instance in layout.instances}
    digests = {
        image["digest"]
        for release in releases
        for image in release.images.values()
        if image.get("digest")
    }
    digests |= {r.rpartition("@")[2] for r in references if "@" in r}
    return Kept(frozenset(references), frozenset(digests))


def places(config: ExecConfig) -> frozenset[str]:
    """Where this stack's images are: `registry.example.com/exec/excs` and the others."""
    return frozenset(f"{config.registry.repository}/{name}" for name in all_names(config))


def place_of(reference: str) -> str:
    """A reference without its tag or digest."""
    bare = reference.partition("@")[0]
    head, colon, tag = bare.rpartition(":")
    return head if colon and "/" not in tag else bare


def prunable(images: Iterable[HostImage], ours: frozenset[str], keep: Kept) -> list[HostImage]:
    """The images that nobody needs: all of whose names are ours, that no container uses, and that
    are not kept.

    An image without any name isn't touched: whose it is can't be told.
    """
    return [
        image
        for image in images
        if image.references
        and all(place_of(reference) in ours for reference in image.references)
        and not image.is_used
        and not keep.keeps(image)
    ]


def last_releases(releases: Sequence[Release], keep: int) -> list[Release]:
    """The last releases, oldest first, as far back as there are `keep` different sets of images.

    Counted by images: a few stops and starts, each a release, must not push out the version of
    before.
    """
    found: list[Release] = []
    sets: list[Mapping[str, Mapping[str, str]]] = []
    for release in reversed(releases):
        if release.images not in sets:
            if len(sets) == keep:
                break
            sets.append(release.images)
        found.insert(0, release)
    return found


def of_older(
    images: Iterable[HostImage], releases: Sequence[Release], keep: int
) -> list[HostImage]:
    """Of these images, those that one of the releases before the kept ones has recorded."""
    older = releases[: len(releases) - len(last_releases(releases, keep))]
    old = {
        image["digest"]
        for release in older
        for image in release.images.values()
        if image.get("digest")
    }
    return [i for i in images if {d.rpartition("@")[2] for d in i.digests} & old]


def releases_of(releases: Iterable[Release]) -> Mapping[str, list[int]]:
    """Digest → the numbers of the releases that have it."""
    found: dict[str, list[int]] = {}
    for release in releases:
        for image in release.images.values():
            numbers = found.setdefault(image.get("digest", ""), [])
            if release.number not in numbers:
                numbers.append(release.number)
    return found
