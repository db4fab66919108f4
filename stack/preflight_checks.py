"""The names of the preflight's checks: what a stack file may waive, and what each one proves.

Names are stable: they stand in stack files, in `--json`, and in docs/prerequisites.md. How a check
is made and judged is in `health/checks/`.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Check:
    """One check by its name; `stops` tells whether its worst finding stops a deployment."""

    name: str
    proves: str
    stops: bool = True


CHECKS: tuple[Check, ...] = (
    Check("ssh-login", "the host can be reached, and lets the user of `ssh` in"),
    Check("ssh-host-key", "the host shows the key that known_hosts has for it"),
    Check("ssh-sessions", "sshd takes as many sessions at once as a run opens", stops=False),
    Check("docker-access", "the user may use the Docker daemon without sudo"),
    Check("docker-version", "Docker is 20 or newer"),
    Check("kernel", "the kernel is 4.18 or newer"),
    Check("architecture", "the system has 64 bits, and the images are made for it"),
    Check("cpus", "the host has 2 cores", stops=False),
    Check("memory", "the host has 8 GB of memory", stops=False),
    Check("disk-size", "the disk of Docker's images and containers has 80 GB", stops=False),
    Check("disk-space", "the images that are to be pulled fit beside those that are kept"),
    Check("clock", "the host's clock agrees with the operator's"),
    Check("clock-pair", "the clocks of a pair agree"),
    Check("time-sync", "something keeps the host's clock right", stops=False),
    Check("port", "each instance's port is free, or its own already"),
    Check("container-name", "no container of an instance's name belongs to somebody else"),
    Check("other-stack", "no other stack has containers on the host", stops=False),
    Check("log-directory", "the log directory is there or can be made, and can be written to"),
    Check("log-space", "there is room for log files"),
    Check("registry-reach", "the host reaches the image registry"),
    Check("registry-login", "the registry takes registry.username and registryPassword"),
    Check("image", "the registry has the image, or the host has it already"),
    Check("image-digest", "the registry's tag still means the image on the host", stops=False),
    Check("redis-reach", "the host reaches Redis"),
    Check("redis-login", "Redis takes redisPassword"),
    Check("redis-version", "Redis is of version 6", stops=False),
    Check("redis-cluster", "Redis isn't in cluster mode"),
    Check("redis-state", "Redis takes writes"),
    Check("redis-memory", "Redis has 2 GB", stops=False),
    Check("config-db-reach", "the host of EXCS reaches the Config DB"),
    Check("config-db-login", "the Config DB takes its user and configDbPassword"),
    Check("stat-server", "the host of EXAS reaches the Stat Servers"),
    Check("sip-server", "the hosts of EXCP reach their SIP Servers"),
    Check("excs-reach", "the hosts of EXAS and EXCP reach the host and port of EXCS"),
    Check("gate-reach", "the health ports can be reached from here, if gate.via is direct"),
    Check("genesys-cloud-reach", "the host reaches Genesys Cloud"),
    Check("genesys-cloud-tls", "Genesys Cloud shows a certificate that can be trusted"),
    Check("genesys-cloud-login", "Genesys Cloud gives the OAuth client a token"),
    Check("organization", "no other stack file names the EX organization"),
    Check("sync-deadline", "sync_gate.deadline_seconds suffices for a first sync", stops=False),
    Check("sync-stall", "sync_gate.stall_seconds is neither too short nor without effect", False),
    Check("gate-deadline", "gate.deadline_seconds suffices for what the gate asks for"),
    Check("tags", "all pairs run one version", stops=False),
)
NAMES = tuple(check.name for check in CHECKS)
