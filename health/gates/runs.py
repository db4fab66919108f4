"""What gates do when Pulumi runs them: from a resource's properties to the rule and back.

Runs in Pulumi's process for dynamic resources. What it prints is shown to the operator under the
resource; what it raises ends the run.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from config_schema import Ssh
from health.errors import GateError
from health.gates import alerts
from health.gates.bake import BakeRule, watch_until_baked
from health.gates.clock import OperatorsClock
from health.gates.events import EVENTS_VARIABLE, BakeSkipped, Event, as_json, shown
from health.gates.guard import GuardRule, require_serving_peer
from health.gates.health import HealthRule, wait_until_healthy
from health.gates.sync import SyncRule, wait_until_synced
from health.probe import direct_probe, ssh_probe
from health.verdict import Identity, InstancePlace
from hosts.container import COMMAND_TIMEOUT_SECONDS, HostContainer
from hosts.shell import command_over_ssh
from stack.ssh import make_control_directory, ssh_target

ALLOW_OUTAGE_VARIABLE = "EXEC_ALLOW_OUTAGE"
"""Set to 1 by `exctl up --allow-outage`. In the environment and not among the inputs: an
operator's word for one run must not be in the state."""

NO_BAKE_VARIABLE = "EXEC_NO_BAKE"
"""Set to 1 by `--no-bake`, and on the way back to a release: what ran before needs no proof."""

Props = dict[str, Any]


def health_gate(_olds: Props, news: Props) -> Props:
    rule = HealthRule(**_tupled(news["rule"]))
    place = _place(news["reach"], rule.url, news["container_name"], Identity(id=news["trigger"]))
    run_gate(lambda: wait_until_healthy(rule, place, OperatorsClock(), _say))
    return {"trigger": news["trigger"]}


def sync_gate(_olds: Props, news: Props) -> Props:
    rule = SyncRule(**_tupled(news["rule"]))
    place = _place(news["reach"], rule.url, news["container_name"], Identity(id=news["trigger"]))
    run_gate(lambda: wait_until_synced(rule, place, OperatorsClock(), _say))
    return {"trigger": news["trigger"]}


def bake_gate(olds: Props, news: Props) -> Props:
    rule = BakeRule(**_tupled(news["rule"]))
    place = _place(news["reach"], rule.url, news["container_name"], Identity(id=news["trigger"]))
    asked = None
    if rule.prometheus_url is not None:
        now = datetime.now(UTC)
        asked = alerts.of_instance(
            rule.prometheus_url, rule.stack, rule.instance, rule.pair, since=now
        )
    if os.environ.get(NO_BAKE_VARIABLE) == "1":
        _say(BakeSkipped(rule.instance, "by --no-bake, or on the way back"))
    else:
        run_gate(
            lambda: watch_until_baked(
                rule, place, OperatorsClock(), _say, asked, is_new="trigger" not in olds
            )
        )
    return {"trigger": news["trigger"]}


def pair_guard(olds: Props, news: Props) -> Props:
    """Outputs hold addresses and names, so that the next run also asks where the pair was before,
    for the containers that it had there."""
    rule = GuardRule(**_tupled(news["rule"]))
    own = guard_places(olds, news, "urls", "container_name", rule.instance)
    peer = guard_places(olds, news, "peer_urls", "peer_container_name", rule.peer)
    allowed = os.environ.get(ALLOW_OUTAGE_VARIABLE) == "1"
    run_gate(lambda: require_serving_peer(rule, own, peer, OperatorsClock(), _say, allowed))
    kept = ("urls", "peer_urls", "container_name", "peer_container_name")
    return {key: news["rule"][key] for key in kept} | {"trigger": news["trigger"]}


RUNS: Mapping[str, Callable[[Props, Props], Props]] = {
    "health": health_gate,
    "sync": sync_gate,
    "bake": bake_gate,
    "guard": pair_guard,
}
"""By the `kind` of a gate's provider."""


def guard_places(
    olds: Props, news: Props, urls: str, name: str, instance: str
) -> list[InstancePlace]:
    """Where an instance is in this run and where it was in the last one, each once. The last run's
    container is known by its name alone: the stack's labels may be other ones by now."""
    rule = news["rule"]
    labels = Identity(labels={"exec.stack": rule["stack"], "exec.instance": instance})
    found = {(url, rule[name]): labels for url in rule[urls]}
    for url in olds.get(urls, []):
        found.setdefault((url, olds.get(name, rule[name])), Identity())
    reach = news["reach"]
    return [_place(reach, url, container, who) for (url, container), who in found.items()]


def ssh_command(reach: Mapping[str, Any], host: str) -> list[str]:
    """The ssh command to a host, up to and with the destination."""
    make_control_directory()
    ssh = Ssh.model_validate_json(reach["ssh"])
    return list(ssh_target(ssh, host).command)


def _place(
    reach: Mapping[str, Any], url: str, container_name: str, identity: Identity
) -> InstancePlace:
    ssh = ssh_command(reach, str(urlsplit(url).hostname))
    container = HostContainer(container_name, command_over_ssh(ssh, COMMAND_TIMEOUT_SECONDS))
    if reach["via"] == "direct":
        return InstancePlace(url, direct_probe(), container, identity)
    return InstancePlace(url, ssh_probe(ssh), container, identity, ssh_probe(ssh, is_alone=True))


def _tupled(rule: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in rule.items()}


def _is_read_by_exctl() -> bool:
    return os.environ.get(EVENTS_VARIABLE) == "json"


def _say(event: Event) -> None:
    # One write: several gates speak at once from threads of one process.
    sys.stdout.write(f"{as_json(event) if _is_read_by_exctl() else shown(event)}\n")
    sys.stdout.flush()


def run_gate(gate: Callable[[], None]) -> None:
    """Runs it; its GateError becomes Pulumi's error, as data where exctl reads it."""
    try:
        gate()
    except GateError as error:
        # Pulumi's provider process sends the whole traceback as the error. Its frames tell an
        # operator nothing, and the run ends here: without them the message stands by itself.
        sys.tracebacklimit = 0
        if _is_read_by_exctl():
            raise RuntimeError(error.failure.marked()) from None
        raise
