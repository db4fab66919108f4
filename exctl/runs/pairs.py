"""How the pairs of a stack are before a run: who goes first, and what the guards will say."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping

from exctl.hosts import on_each
from exctl.observe.endpoints import place_of
from exctl.site import Site
from health.pair import FIRST_VARIABLE, in_order
from health.verdict import Verdict
from stack.layout import Layout


def look(site: Site, silent: Collection[str] = ()) -> dict[str, Verdict]:
    """Instance → how it is, of every pair; nothing is asked of silent hosts."""
    asked = [i for i in site.layout.of("excp") if i.host not in silent]
    found = on_each(asked, lambda instance: place_of(site, instance).settled())
    return {instance.key: verdict for instance, verdict in zip(asked, found, strict=True)}


def first(layout: Layout, verdicts: Mapping[str, Verdict]) -> list[str]:
    """The instances that go before a peer that would come first by its number."""
    found = []
    for _, members in layout.pairs:
        keys = [member.key for member in members]
        if set(keys) <= verdicts.keys():
            order = in_order({key: verdicts[key] for key in keys})
            found += [order[0]] * (order[0] != keys[0])
    return found


def tell_program(wanted: Collection[str]) -> None:
    """Lets the program of the runs to come put these first."""
    os.environ[FIRST_VARIABLE] = ",".join(wanted)
