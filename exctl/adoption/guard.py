"""The guard of an adoption: an instance of a pair is touched only while its peer serves."""

from __future__ import annotations

from exctl.adoption.legacy import Situation
from exctl.adoption.look import situations, views_of
from exctl.adoption.means import Means
from exctl.errors import ExctlError
from exctl.runs.options import RunOptions
from exctl.site import Site
from exctl.terminal.messages import report, say
from health.errors import GateError
from health.gates.clock import SystemClock
from health.gates.events import Event, as_data, shown
from health.gates.guard import GuardRule, require_serving_peer
from health.verdict import InstancePlace
from stack.layout import Instance


def require_peer(site: Site, instance: Instance, how: RunOptions, means: Means) -> None:
    """ExctlError if the peer doesn't serve, whoever's container it is."""
    if instance.pair is None:
        return
    peer = site.layout.peer_of(instance)
    rule = GuardRule(
        instance.key, instance.pair, (instance.health_url,), peer.key, (peer.health_url,)
    )
    found = situations(site, (instance, peer), views_of(site, (instance, peer), means))
    own_place, peer_place = (_place(site, each, means) for each in found)
    try:
        require_serving_peer(
            rule, [own_place], [peer_place], SystemClock(), report_event, how.allow_outage
        )
    except GateError as error:
        raise ExctlError(
            f"{error.failure.summary} It keeps serving as it was. Fix {peer.key} and run"
            " `exctl adopt` again: what was adopted before stays ours. To go on anyway, with the"
            " pair down meanwhile: exctl adopt --allow-outage"
        ) from None


def _place(site: Site, found: Situation, means: Means) -> InstancePlace:
    """Where an instance is asked, and its container: the vendor's before its turn."""
    name = found.instance.container_name
    if found.kind == "legacy" and found.container is not None:
        name = found.container.name
    return means.place_of(site, found.instance, name)


def report_event(event: Event) -> None:
    report(**as_data(event))
    say(shown(event))
