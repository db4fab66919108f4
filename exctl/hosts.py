"""The hosts of a stack: commands on them, all hosts side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from exctl.errors import ExctlError
from exctl.site import Site
from hosts.container import HostAnswer, HostCommand, command_over_ssh
from stack.ssh import make_control_directory, ssh_target

TIMEOUT_SECONDS = 20.0
SSH_FAILED = 255
Of = TypeVar("Of")
Found = TypeVar("Found")


def on_host(site: Site, host: str, timeout_seconds: float = TIMEOUT_SECONDS) -> HostCommand:
    """Runs commands on a host, over the one connection that all of ours share."""
    make_control_directory()
    return command_over_ssh(ssh_target(site.config.ssh, host).command, timeout_seconds)


def on_each(things: Iterable[Of], do: Callable[[Of], Found]) -> list[Found]:
    """What `do` finds for each, all of them asked at once, in their order."""
    every = list(things)
    with ThreadPoolExecutor(max(1, len(every))) as pool:
        return list(pool.map(do, every))


def reached(host: str, answer: HostAnswer) -> HostAnswer:
    """The answer; ExctlError if ssh didn't reach the host."""
    if answer.code == SSH_FAILED:
        raise ExctlError(f"{host} can't be reached: {answer.stderr.strip() or 'ssh failed'}")
    return answer
