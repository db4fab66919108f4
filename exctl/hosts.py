"""The hosts of a stack: commands on them, all hosts side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Literal, TypeVar

from exctl.errors import ExctlError
from exctl.site import Site
from hosts import docker
from hosts.answer import HostAnswer, HostCommand
from hosts.docker import Container, HostUnreadError
from hosts.shell import command_over_ssh, end_all
from stack.ssh import ssh_target

TIMEOUT_SECONDS = 15.0
Via = Literal["ssh", "direct"]
"""The way to what isn't a host of the stack: through one of them, or from this one."""
Of = TypeVar("Of")
Found = TypeVar("Found")


def on_host(site: Site, host: str, timeout_seconds: float = TIMEOUT_SECONDS) -> HostCommand:
    """Runs commands on a host, over the one connection that all of ours share."""
    return command_over_ssh(ssh_target(site.config.ssh, host).command, timeout_seconds)


def on_each(things: Iterable[Of], do: Callable[[Of], Found]) -> list[Found]:
    """What `do` finds for each, all of them asked at once, in their order.

    How many of them log in at once is `hosts.handshakes`' to say. Ctrl-C ends every ssh.
    """
    every = list(things)
    with ThreadPoolExecutor(max(1, len(every))) as pool:
        try:
            return list(pool.map(do, every))
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)
            end_all()
            raise


def reached(host: str, answer: HostAnswer) -> HostAnswer:
    """The answer; ExctlError if the command wasn't run to its end there."""
    if not answer.is_complete:
        raise ExctlError(f"{host} can't be reached: {answer.why()}")
    return answer


def containers_on(site: Site, host: str) -> list[Container] | str:
    """The containers with this stack's label or one of its names; why not, if it can't be told."""
    ours = [i.container_name for i in site.layout.instances if i.host == host]
    filters = [f"label={docker.STACK_LABEL}={site.stack}", *(f"name=^/{name}$" for name in ours)]
    try:
        return docker.containers(on_host(site, host), *filters)
    except HostUnreadError as error:
        return str(error)
