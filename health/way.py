"""How a stack's instances are asked, as its stack file's `gate.via` says."""

from __future__ import annotations

from config_schema import ExecConfig
from health.probe import Probe, direct_probe, ssh_probe
from stack.ssh import ssh_target


def probe_of(config: ExecConfig, host: str) -> Probe:
    """How a URL of this host is asked."""
    if config.gate.via == "direct":
        return direct_probe()
    return ssh_probe(ssh_target(config.ssh, host).command)
