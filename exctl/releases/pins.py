"""Pins: where a stack file must name an image's digest, since its tag alone leads elsewhere. Pure.

A place is where a service's settings stand in a stack file: `("excs",)`, `("excp", "pairs", "1")`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from exctl.stackfile.stack_file import edited, value_in
from stack.layout import Instance, Layout

Setting = tuple[str, ...]


def place_of(instance: Instance) -> Setting:
    """Where the instance's settings stand."""
    return ("excp", "pairs", instance.pair) if instance.pair is not None else (instance.service,)


def name_of(place: Setting) -> str:
    """The place as a release names it: `excs`, `excp-1`."""
    return f"excp-{place[2]}" if len(place) > 1 else place[0]


def places_of(layout: Layout) -> dict[Setting, list[Instance]]:
    """Each place of a stack, with its instances."""
    found: dict[Setting, list[Instance]] = {}
    for instance in layout.instances:
        found.setdefault(place_of(instance), []).append(instance)
    return found


@dataclass(frozen=True)
class OnHost:
    """What a host knows of an image: the digests that the tag leads to there (None: it hasn't the
    tag), and whether it has the digest that is wanted."""

    host: str
    by_tag: frozenset[str] | None
    has_wanted: bool


@dataclass(frozen=True)
class InRegistry:
    """What the registry knows: the digest that the tag leads to (None: no such tag), and whether
    it has the digest that is wanted. `is_known` is false if it couldn't be asked."""

    is_known: bool
    by_tag: str | None = None
    has_wanted: bool = False


def is_pin_needed(wanted: str, hosts: Sequence[OnHost], registry: InRegistry) -> bool:
    """Whether the tag doesn't lead to the wanted digest everywhere where it would be followed.

    Docker follows a tag on the host first, and asks the registry only where the host hasn't it. A
    host that has the image without its tag needs the pin too: it then runs without the registry.
    """
    if any(host.by_tag is not None and wanted not in host.by_tag for host in hosts):
        return True
    if registry.is_known and registry.by_tag not in (None, wanted):
        return True
    return any(host.by_tag is None and host.has_wanted for host in hosts)


def out_of_reach(hosts: Sequence[OnHost], registry: InRegistry) -> list[str]:
    """The hosts that would have to pull the wanted image and can't."""
    if registry.is_known and registry.has_wanted:
        return []
    return [host.host for host in hosts if not host.has_wanted]


def without_pins(text: str, places: Iterable[Setting]) -> str:
    """A stack file's text with these places' digests taken out."""
    for place in places:
        if value_in(text, (*place, "digest")) is not None:
            text = edited(text, (*place, "digest"), None)
    return text


def left_behind(before: str, now: str, places: Iterable[Setting]) -> list[Setting]:
    """The places whose tag was changed while their old digest was left: the new tag would count
    for nothing."""

    def at(text: str, place: Setting, key: str) -> Any:
        return value_in(text, (*place, key))

    return [
        place
        for place in places
        if at(now, place, "digest") is not None
        and at(now, place, "digest") == at(before, place, "digest")
        and at(now, place, "tag") != at(before, place, "tag")
    ]


def with_pins(text: str, digests: Mapping[Setting, str]) -> str:
    """A stack file's text with these places pinned."""
    for place, digest in digests.items():
        text = edited(text, (*place, "digest"), digest, after="tag")
    return text
