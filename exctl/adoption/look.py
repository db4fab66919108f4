"""What is on the hosts that adopt is about, and what of it is whose."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from exctl.adoption.legacy import LegacyHost, Situation, lost, own_container, situation
from exctl.adoption.means import Means
from exctl.adoption.messages import Views
from exctl.hosts import on_each
from exctl.pulumi.state import State
from exctl.site import Site
from stack.layout import Instance


def views_of(site: Site, chosen: Iterable[Instance], means: Means) -> dict[str, LegacyHost]:
    hosts = list(dict.fromkeys(instance.host for instance in chosen))
    found = on_each(hosts, lambda host: means.view_of(site, host))
    return dict(zip(hosts, found, strict=True))


def situations(site: Site, chosen: Iterable[Instance], views: Views) -> list[Situation]:
    return [situation(instance, views[instance.host], site.stack) for instance in chosen]


def judged(site: Site, found: Sequence[Situation], views: Views, means: Means) -> list[Situation]:
    """The same, but for what a killed run left, a container of ours whose gate it didn't wait for,
    and for what the state, lost or an older one, doesn't know."""
    doubtful = [s for s in found if s.kind == "ours"]
    if not doubtful:
        return list(found)
    known, decrypted = means.state_of(site), means.secrets_of(site)
    return [
        _looked_into(s, known, views[s.instance.host], site.stack, decrypted)
        if s in doubtful
        else s
        for s in found
    ]


def _looked_into(
    found: Situation, known: State, view: LegacyHost, stack: str, decrypted: Mapping[str, str]
) -> Situation:
    instance = found.instance
    if found.container is not None:
        is_whole = {f"container-{instance.key}", f"health-{instance.key}"} <= known.names
        return found if is_whole else replace(found, kind="cut")
    ours = own_container(instance, view, stack)
    if ours is None or known.containers.get(instance.key) == ours.id:
        return found
    return lost(found, ours, view, decrypted)
