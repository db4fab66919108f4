"""What gates do when Pulumi runs them: from a resource's properties to the rule and back.

Runs in Pulumi's process for dynamic resources. What it prints is shown to the operator under the
resource; what it raises ends the run.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from config_schema import Ssh
from health.errors import GateError
from health.gates.clock import OperatorsClock
from health.gates.guard import GuardRule, refuse_to_take_the_last
from health.gates.health import HealthRule, wait_until_healthy
from health.gates.sync import SyncRule, wait_until_synced
from health.probe import Answer, Probe, direct_probe, ssh_probe
from hosts.container import COMMAND_TIMEOUT_SECONDS, HostContainer
from hosts.shell import command_over_ssh
from stack.ssh import make_control_directory, ssh_target

ALLOW_OUTAGE_VARIABLE = "EXEC_ALLOW_OUTAGE"
"""Set to 1 by `exctl up --allow-outage`. In the environment and not among the inputs: an
operator's word for one run must not be in the state."""

Props = dict[str, Any]


def health_gate(_olds: Props, news: Props) -> Props:
    rule = HealthRule(**_tupled(news["rule"]))
    container = _container(news, rule.host)
    _run(lambda: wait_until_healthy(rule, _probe(news), container, OperatorsClock(), _say))
    return {"trigger": news["trigger"]}


def sync_gate(_olds: Props, news: Props) -> Props:
    rule = SyncRule(**_tupled(news["rule"]))
    container = _container(news, rule.host)
    _run(lambda: wait_until_synced(rule, _probe(news), container, OperatorsClock(), _say))
    return {"trigger": news["trigger"]}


def pair_guard(olds: Props, news: Props) -> Props:
    """Outputs hold the addresses, so that the next run also asks where the pair was before."""
    rule = guard_rule(olds, news)
    allowed = os.environ.get(ALLOW_OUTAGE_VARIABLE) == "1"
    _run(lambda: refuse_to_take_the_last(rule, _probe(news), OperatorsClock(), _say, allowed))
    return {key: news["rule"][key] for key in ("urls", "peer_urls")} | {"trigger": news["trigger"]}


RUNS: Mapping[str, Callable[[Props, Props], Props]] = {
    "health": health_gate,
    "sync": sync_gate,
    "guard": pair_guard,
}
"""By the `kind` of a gate's provider."""


def guard_rule(olds: Props, news: Props) -> GuardRule:
    """The rule with the addresses of the last run beside those of this one."""
    rule = dict(news["rule"])
    for key in ("urls", "peer_urls"):
        rule[key] = list(dict.fromkeys([*rule[key], *olds.get(key, [])]))
    return GuardRule(**_tupled(rule))


def ssh_command(reach: Mapping[str, Any], host: str) -> list[str]:
    """The ssh command to a host, up to and with the destination."""
    make_control_directory()
    ssh = Ssh.model_validate_json(reach["ssh"])
    return list(ssh_target(ssh, host).command)


def _probe(news: Props) -> Probe:
    reach = news["reach"]
    if reach["via"] == "direct":
        return direct_probe()

    def probe(url: str) -> Answer:
        return ssh_probe(ssh_command(reach, str(urlsplit(url).hostname)))(url)

    return probe


def _container(news: Props, host: str) -> HostContainer:
    run = command_over_ssh(ssh_command(news["reach"], host), COMMAND_TIMEOUT_SECONDS)
    return HostContainer(news["container_name"], run)


def _tupled(rule: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in rule.items()}


def _say(line: str) -> None:
    # One write: several gates speak at once from threads of one process.
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _run(gate: Callable[[], None]) -> None:
    try:
        gate()
    except GateError:
        # Pulumi's provider process sends the whole traceback as the error. Its frames tell an
        # operator nothing, and the run ends here: without them the message stands by itself.
        sys.tracebacklimit = 0
        raise
