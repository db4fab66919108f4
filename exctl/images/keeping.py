"""Which images on the hosts are to stay: what runs, what is about to, and what a rollback needs.

Pure. An image is named by digest wherever one is known, since a tag may have been pushed over.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from config_schema import ExecConfig
from exctl.images.access import all_names, image_named
from exctl.images.on_hosts import HostImage
from exctl.releases.store import Release
from oci.reference import ImageReference, parsed
from stack.layout import Layout


@dataclass(frozen=True)
class Kept:
    """What stays, by name, or by a digest that names it."""

    references: frozenset[ImageReference]
    digests: frozenset[str]

    def keeps(self, image: HostImage) -> bool:
        return bool(self.references & set(image.named) or self.digests & image.known_as)


def kept(layouts: Iterable[Layout], releases: Iterable[Release]) -> Kept:
    """What these stacks run or are about to, and what these releases go back to."""
    instances = [instance for layout in layouts for instance in layout.instances]
    references = {parsed(instance.image) for instance in instances}
    digests = {
        image["digest"]
        for release in releases
        for image in release.images.values()
        if image.get("digest")
    }
    digests |= {instance.digest for instance in instances if instance.digest}
    return Kept(frozenset(r for r in references if r is not None), frozenset(digests))


def places(config: ExecConfig) -> frozenset[str]:
    """Where this stack's images are: `registry.example.com/exec/excs` and the others."""
    return frozenset(image_named(config, name).place for name in all_names(config))


def prunable(images: Iterable[HostImage], ours: frozenset[str], keep: Kept) -> list[HostImage]:
    """The images that nobody needs: all of whose names are ours, that no container uses, and that
    are not kept.

    An image without any name isn't touched: whose it is can't be told.
    """
    return [
        image
        for image in images
        if image.named
        and all(reference.place in ours for reference in image.named)
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
    return [i for i in images if i.known_as & old]


def releases_of(releases: Iterable[Release]) -> Mapping[str, list[int]]:
    """Digest → the numbers of the releases that have it."""
    found: dict[str, list[int]] = {}
    for release in releases:
        for image in release.images.values():
            numbers = found.setdefault(image.get("digest", ""), [])
            if release.number not in numbers:
                numbers.append(release.number)
    return found
