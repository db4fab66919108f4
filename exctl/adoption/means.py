"""What an adoption does to hosts and with Pulumi, as one value: its order is tried without them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from exctl.adoption import legacy_hosts
from exctl.adoption.legacy import Candidate, LegacyHost
from exctl.hosts import on_host
from exctl.observe.endpoints import probe_of
from exctl.pulumi.ownership import own_state
from exctl.pulumi.state import State
from exctl.pulumi.workspace import open_stack
from exctl.runs import deployment
from exctl.runs.options import Outcome, RunOptions
from exctl.runs.plan import Touch
from exctl.runs.preview import preview
from exctl.site import Site
from exctl.stackfile import secrets
from health.gates.clock import Clock
from health.gates.events import Report
from health.gates.health import HealthRule, wait_until_healthy
from health.verdict import Identity, InstancePlace
from hosts.container import HostContainer
from stack.layout import Instance


def place_of(site: Site, instance: Instance, container: str) -> InstancePlace:
    """Where an instance is asked, and the container by this name, whosever it is."""
    found = HostContainer(container, on_host(site, instance.host))
    return InstancePlace(instance.health_url, probe_of(site, instance.host), found, Identity())


def planned(site: Site) -> list[Touch]:
    """What an `up` would do, whatever of the vendor's runs."""
    return preview(site, adopting=True)


def state_of(site: Site) -> State:
    return own_state(site, open_stack(site))


@dataclass(frozen=True)
class Means:
    """The real ones, unless others are given."""

    up: Callable[[Site, RunOptions], Outcome] = deployment.up
    planned: Callable[[Site], list[Touch]] = planned
    state_of: Callable[[Site], State] = state_of
    secrets_of: Callable[[Site], dict[str, str]] = secrets.all_of
    view_of: Callable[[Site, str], LegacyHost] = legacy_hosts.view_of
    place_of: Callable[[Site, Instance, str], InstancePlace] = place_of
    wait_until_healthy: Callable[[HealthRule, InstancePlace, Clock, Report], None] = (
        wait_until_healthy
    )
    set_aside: Callable[[Site, Instance, Candidate], None] = legacy_hosts.set_aside
    remove_ours: Callable[[Site, Instance], None] = legacy_hosts.remove_ours
    bring_back: Callable[[Site, Instance, Candidate, str], None] = legacy_hosts.bring_back
    remove: Callable[[Site, str, Sequence[Candidate], Sequence[str]], None] = legacy_hosts.remove


REAL = Means()
