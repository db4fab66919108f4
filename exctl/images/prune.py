"""Taking images off the hosts that neither a stack nor a kept release needs."""

from __future__ import annotations

from collections.abc import Sequence

from exctl.errors import ExctlError, NothingTouched
from exctl.hosts import on_each
from exctl.images.keeping import Kept, kept, last_releases, of_older, places, prunable
from exctl.images.on_hosts import HostImage, known, look, remove
from exctl.releases import store
from exctl.site import Site, StackPlace, site_at, stacks_of
from exctl.terminal.messages import say, show
from exctl.terminal.questions import confirm
from stack.text import counted


def prune(site: Site, yes: bool) -> None:
    """Shows what would go, asks, and removes it."""
    keep = needed(site)
    found = look(site, site.layout.hosts)
    for host, why in found.items():
        if isinstance(why, str):
            say(f"{host} was left out: {why}")
    gone = prunable(known(found), places(site.config), keep)
    if not gone:
        say("nothing to prune: every image of this stack is needed, by what runs or by a release")
        return
    for image in gone:
        name = " ".join(image.tags) or image.references[0]
        show(f"{image.host}  {name}  {image.size_bytes / 1e6:.0f} MB")
    total = sum(image.size_bytes for image in gone) / 1e6
    say(f"{len(gone)} images, up to {total:.0f} MB (layers that others share stay)")
    if not yes:
        confirm("Remove them?")
    if problems := removed(site, gone):
        raise ExctlError("\n".join(["not all of them could be removed:", *problems]))
    say(f"removed from {counted(len({image.host for image in gone}), 'host')}")


def after_release(site: Site) -> None:
    """Removes what only this stack's older releases had; says what it did, and never fails: the
    deployment before it has succeeded."""
    try:
        every = store.all_of(site)
        if len(every) <= site.config.releases.keep:
            return
        keep = needed(site)
        images = prunable(known(look(site, site.layout.hosts)), places(site.config), keep)
        gone = of_older(images, every, site.config.releases.keep)
        problems = removed(site, gone)
    except ExctlError as error:
        say(f"warning: images of older releases were left on the hosts: {error}")
        return
    if gone:
        count = len(gone) - len(problems)
        say(f"removed {count} images of releases older than the last {site.config.releases.keep}")
    for problem in problems:
        say(f"warning: {problem}")


def needed(site: Site) -> Kept:
    """What the stacks of this project need, this one and those beside it, which may share hosts.

    Raises NothingTouched if one of them can't be read: what it needs isn't known then.
    """
    layouts, recorded = [], []
    for stack in stacks_of(site.project):
        try:
            place = StackPlace(site.project, stack)
            other = site_at(place, site.project / f"Pulumi.{stack}.yaml")
            recorded += last_releases(store.all_of(other), other.config.releases.keep)
        except ExctlError as error:
            raise NothingTouched(
                f"what the stack {stack} needs isn't known, so no image is removed: {error}"
            ) from None
        layouts.append(other.layout)
    return kept(layouts, recorded)


def removed(site: Site, gone: Sequence[HostImage]) -> list[str]:
    """Removes them, the hosts side by side; what couldn't be."""

    def of(host: str) -> list[str]:
        wrong = [
            (image, remove(site, host, (*image.tags, *image.references)))
            for image in gone
            if image.host == host
        ]
        return [
            f"{host}: {(i.tags or i.references or (i.id,))[0]}: {why}" for i, why in wrong if why
        ]

    hosts = list(dict.fromkeys(image.host for image in gone))
    return [line for lines in on_each(hosts, of) for line in lines]
