"""The packages whose resources this engine runs itself, without a plugin."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from engine.provider import Provider


@dataclass(frozen=True)
class Surroundings:
    """What a provider may know of the run: URNs that a killed one was creating, and how to tell
    what a resource says while it is worked on (its URN, and a line)."""

    interrupted: frozenset[str]
    tell: Callable[[str, str], None]


@dataclass(frozen=True)
class NativePackage:
    """A package: the version whose behaviour it has, its types, and how a provider is made."""

    version: str
    provider: Callable[[Surroundings], Provider]
    types: frozenset[str]
    added_config: Mapping[str, Any] = field(default_factory=dict)  # by its check of the settings
    json_config: frozenset[str] = frozenset()  # settings that go as JSON text, in the form of Go


def _docker(run: Surroundings) -> Provider:
    from engine.docker_provider import DockerProvider

    return DockerProvider(run.interrupted)


def _command(run: Surroundings) -> Provider:
    from engine.command_provider import CommandProvider

    return CommandProvider(run.tell)


NATIVE: dict[str, NativePackage] = {
    "docker": NativePackage(
        "5.1.0",
        _docker,
        frozenset(
            {
                "docker:index/container:Container",
                "docker:index/remoteImage:RemoteImage",
                "docker:index/network:Network",
                "docker:index/volume:Volume",
            }
        ),
        json_config=frozenset({"registryAuth", "sshOpts"}),
    ),
    "command": NativePackage(
        "1.2.1",
        _command,
        frozenset(
            {"command:local:Command", "command:remote:Command", "command:remote:CopyToRemote"}
        ),
        {"__pulumi-go-provider-version": "(devel)"},  # golden 28
    ),
}


def warm_up(rows: list[Mapping[str, Any]]) -> None:
    """Begin to connect to the hosts that a state names, while other things are done; whoever
    needs a connection waits for it, and gets its error."""
    for row in rows:
        inputs = row.get("inputs") or {}
        url = inputs.get("host")
        if row.get("type") != "pulumi:providers:docker" or row.get("delete"):
            continue
        if isinstance(url, str) and url.startswith("ssh://"):
            threading.Thread(target=_open, args=(inputs,), daemon=True).start()


def _open(inputs: Mapping[str, Any]) -> None:
    from engine.docker_provider import daemon_of
    from engine.ssh import POOL
    from engine.ssh_target import SshError

    if not isinstance(inputs.get("sshOpts") or "", str):
        return  # sealed
    url, options, _ = daemon_of(inputs)
    try:
        POOL.master(url, options).forward()
    except SshError:
        return  # said by the provider, if the program still wants this host


def _loaded(module: str) -> ModuleType | None:
    """A module of this engine, if anything needed it so far."""
    return sys.modules.get(f"engine.{module}")


def unreachable() -> list[str]:
    """What keeps us from each host that can't be reached, one text a host."""
    ssh = _loaded("ssh")
    return list(ssh.POOL.failures()) if ssh else []


def interrupt() -> None:
    """End what an interrupted run needn't wait for."""
    if docker_api := _loaded("docker_api"):
        docker_api.PULLS.end()


def close() -> None:
    """End the connections of this run."""
    if ssh := _loaded("ssh"):
        ssh.POOL.close()
