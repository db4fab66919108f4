"""Which instances a command is about: a service, a pair, one host of it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from exctl.errors import NothingTouched
from stack.layout import Instance, Layout


def select(
    layout: Layout, service: str | None, pair: str | None, host: str | None
) -> tuple[Instance, ...]:
    """The instances in the layout's order; all of them if nothing is named.

    `host` is an address, or 1 or 2 for the first or second host of each pair, as the vendor's
    script counts them. Raises NothingTouched with what there is if nothing fits.
    """
    if pair is not None and service not in (None, "excp"):
        raise NothingTouched(f"only excp has pairs, not {service}.")
    found = layout.instances
    if service is not None:
        found = tuple(i for i in found if i.service == service)
    if pair is not None:
        found = tuple(i for i in found if i.pair == pair)
    if host is not None:
        by_index = host in ("1", "2")
        found = tuple(i for i in found if (str(i.index) if by_index else i.host) == host)
    if not found:
        named = [
            f"--{name} {value}"
            for name, value in (("service", service), ("pair", pair), ("host", host))
            if value is not None
        ]
        there = ", ".join(f"{i.key} on {i.host}" for i in layout.instances)
        raise NothingTouched(f"no instance matches {' '.join(named)}; the stack has {there}.")
    return found


def stopped_keys(layout: Layout) -> set[str]:
    """The keys of the instances that the stack file has stopped."""
    return {i.key for i in layout.instances if i.is_stopped}


def stopped_entries(layout: Layout, keys: Iterable[str]) -> list[str]:
    """What stands in `stopped` for these instances: a service or a pair where all of it is."""
    wanted = set(keys)
    found: list[str] = []
    for service in ("excs", "exas", "excp"):
        found += _entries(service, [i for i in layout.instances if i.service == service], wanted)
    return found


def _entries(service: str, instances: Sequence[Instance], wanted: set[str]) -> list[str]:
    if instances and all(i.key in wanted for i in instances):
        return [service]
    found: list[str] = []
    for pair in dict.fromkeys(i.pair for i in instances):
        members = [i for i in instances if i.pair == pair]
        if all(i.key in wanted for i in members):
            found.append(f"excp-{pair}")
        else:
            found += [i.key for i in members if i.key in wanted]
    return found


def tag_places(instances: Iterable[Instance]) -> list[tuple[str, ...]]:
    """Where the tags of these instances stand in a stack file, each place once."""
    places = (
        ("excp", "pairs", i.pair, "tag") if i.pair is not None else (i.service, "tag")
        for i in instances
    )
    return list(dict.fromkeys(places))
