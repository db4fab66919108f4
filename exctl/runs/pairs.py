"""How the pairs of a stack are before a run: who goes first, and what the guards will say."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from urllib.parse import urlsplit

from exctl.hosts import on_each, on_host
from exctl.observe.endpoints import place_of, probe_of
from exctl.pulumi.state import State, name_of
from exctl.runs.scope import Scope
from exctl.site import Site
from health.pair import in_order, rank
from health.verdict import UNJUDGED, Identity, InstancePlace, Verdict
from hosts.container import HostContainer
from stack.layout import Instance, Layout


def look(site: Site, known: State, silent: Collection[str] = ()) -> dict[str, Verdict]:
    """Instance → how it is, of every pair; nothing is asked of silent hosts.

    As its guard will ask: where the last run had it elsewhere, there too, and what would cost most
    counts.
    """
    asked = [i for i in site.layout.of("excp") if i.host not in silent]

    def verdict(instance: Instance) -> Verdict:
        found = [place_of(site, instance).settled()]
        for url, container in places_before(known, instance):
            host = str(urlsplit(url).hostname)
            there = HostContainer(container, on_host(site, host))
            place = InstancePlace(url, probe_of(site, host), there, Identity())
            found.append(UNJUDGED if host in silent else place.settled())
        return max(found, key=rank)

    return dict(zip([i.key for i in asked], on_each(asked, verdict), strict=True))


def places_before(known: State, instance: Instance) -> list[tuple[str, str]]:
    """Health URL and container's name that the last run's guard knew, where they are others now."""
    for row in known.rows:
        if name_of(row) == f"guard-{instance.key}":
            outputs = row.get("outputs") or {}
            name = str(outputs.get("container_name") or instance.container_name)
            found = [(str(url), name) for url in outputs.get("urls") or []]
            return [
                each for each in found if each != (instance.health_url, instance.container_name)
            ]
    return []


def first(layout: Layout, verdicts: Mapping[str, Verdict], scope: Scope, known: State) -> list[str]:
    """The instances that go before a peer that would come first by its number.

    Where a run touches one of a pair alone, the order stays as the last run had it: Pulumi takes
    what isn't a target from the state, and that must not wait for what comes after it.
    """
    found = []
    for _, members in layout.pairs:
        keys = [member.key for member in members]
        if all(map(scope.covers, keys)) and set(keys) <= verdicts.keys():
            order = in_order({key: verdicts[key] for key in keys})
            found += [order[0]] * (order[0] != keys[0])
        else:
            found += [later for later in keys[1:] if waits_for(known, keys[0], later)]
    return found


def waits_for(known: State, key: str, other: str) -> bool:
    """Whether in the last run's state an instance comes after another one of its pair."""
    rows = (row for row in known.rows if name_of(row) == f"guard-{key}")
    urns = (str(urn) for row in rows for urn in row.get("dependencies") or [])
    return any(urn.rpartition("::")[2] == f"health-{other}" for urn in urns)
