"""Commands inside a container of the stack, as on a host: `docker exec` over SSH."""

from __future__ import annotations

import secrets
import subprocess
import sys
from collections.abc import Sequence

from exctl.errors import ExctlError, NothingTouched
from exctl.hosts import on_host
from exctl.site import Site
from hosts import docker
from hosts.docker import INSTANCE_LABEL, Container, HostUnreadError
from hosts.shell import over_ssh_verbatim
from stack.layout import Instance
from stack.ssh import make_control_directory, ssh_target

SHELL = ("sh", "-c", "if command -v bash >/dev/null; then exec bash; else exec sh; fi")


def instance_of(site: Site, key: str) -> Instance:
    """The instance of that name. Raises NothingTouched with those there are."""
    for instance in site.layout.instances:
        if instance.key == key:
            return instance
    there = ", ".join(i.key for i in site.layout.instances)
    raise NothingTouched(f"there is no instance {key}; the stack has {there}.")


def run(site: Site, instance: Instance, words: Sequence[str]) -> int:
    """The command's exit code; stdin, stdout and stderr are the operator's own.

    Raises ExctlError if its container can't be asked, isn't there or doesn't run, or if the
    connection ends before the command has begun.
    """
    mark = secrets.token_hex(12)
    asked = ["docker", "exec", "-i", container_of(site, instance).id, *words]
    ssh = ssh_target(site.config.ssh, instance.host).command
    make_control_directory()
    process = subprocess.Popen(
        [*ssh, over_ssh_verbatim(asked, mark)], stdout=subprocess.PIPE, bufsize=0
    )
    assert process.stdout is not None
    begun = b""
    with process.stdout as stdout:
        while not begun.endswith(f"{mark}\n".encode()) and (byte := stdout.read(1)):
            begun += byte
        while chunk := stdout.read(65536):
            sys.stdout.buffer.write(chunk)
            sys.stdout.buffer.flush()
    code = process.wait()
    if mark.encode() not in begun:
        raise ExctlError(f"{instance.host} can't be reached: nothing was run.", touched=False)
    return code


def shell(site: Site, instance: Instance) -> int:
    """An interactive shell's exit code; the operator's terminal is its own."""
    asked = ["docker", "exec", "-it", container_of(site, instance).id, *SHELL]
    program, *options = ssh_target(site.config.ssh, instance.host).command
    make_control_directory()
    return subprocess.call([program, "-t", *options, over_ssh_verbatim(asked)])


def container_of(site: Site, instance: Instance) -> Container:
    """The running container of an instance, and of this stack. Raises ExctlError without one."""
    onward = f"exctl start {instance.service}" if instance.is_stopped else "exctl up"
    try:
        found = docker.containers_of_stack(on_host(site, instance.host), site.stack)
    except HostUnreadError as error:
        raise ExctlError(f"{instance.host} can't be asked: {error}", touched=False) from None
    ours = [
        c
        for c in found
        if c.labels.get(INSTANCE_LABEL) == instance.key and c.name == instance.container_name
    ]
    if ours and ours[0].state.word == "running":
        return ours[0]
    state = f"its container is {ours[0].state.word}" if ours else "it has no container"
    raise ExctlError(
        f"{instance.key} on {instance.host}: {state}, so nothing can be run in it. To start it:"
        f" {onward} --stack {site.stack}",
        touched=False,
    )
