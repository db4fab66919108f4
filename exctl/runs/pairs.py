"""How the pairs of a stack are before a run: who goes first, and what the guards will say."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from exctl.hosts import on_each
from exctl.observe.endpoints import place_of
from exctl.pulumi.state import State, name_of
from exctl.runs.scope import Scope
from exctl.site import Site
from health.pair import in_order
from health.verdict import Verdict
from stack.layout import Layout


def look(site: Site, silent: Collection[str] = ()) -> dict[str, Verdict]:
    """Instance → how it is, of every pair; nothing is asked of silent hosts."""
    asked = [i for i in site.layout.of("excp") if i.host not in silent]
    found = on_each(asked, lambda instance: place_of(site, instance).settled())
    return {instance.key: verdict for instance, verdict in zip(asked, found, strict=True)}


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
