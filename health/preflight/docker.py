"""Docker on a host: may it be used, does it speak with us, and would it make our containers?"""

from __future__ import annotations

import re
from collections.abc import Iterator

import vendor_facts as vendor
from config_schema import CheckName
from health.preflight.check import Check, HostView
from health.preflight.finding import Finding, Verdict, judged
from health.preflight.host_facts import DOCKER_SECONDS, DockerAccess
from stack.layout import Instance

API_VERSION = (1, 51)
"""Chosen: the newest API that the clients of the plugins speak (docker/docker 28.5 in pulumi-docker
5.1); each of them also speaks older ones. A daemon that takes only newer ones refuses them."""
LEAST_CPUS = 0.01
LEAST_MEMORY_MIB = 6
"""Source: moby, daemon_unix.go: "Minimum memory limit allowed is 6MB"; "Range of CPUs is from 0.01
to" the host's."""


def access_words(access: DockerAccess, user: str) -> tuple[str, str]:
    """What is found, and what to do about it."""
    return {
        DockerAccess.ALLOWED: ("allowed", ""),
        DockerAccess.NO_CLIENT: ("there is no `docker`", "install docker.io or docker-ce"),
        DockerAccess.NO_SOCKET: (
            "there is no socket of the daemon",
            "start it: sudo systemctl enable --now docker; rootless Docker isn't supported",
        ),
        DockerAccess.DENIED: (
            f"{user} may not use the daemon",
            f"put it into the group: sudo usermod -aG docker {user}",
        ),
        DockerAccess.STOPPED: (
            "the daemon isn't running",
            "start it: sudo systemctl start docker; why it ended: journalctl -u docker",
        ),
        DockerAccess.FROZEN: (
            f"SSH answers, Docker on it doesn't, for {DOCKER_SECONDS} s",
            "see what holds it: journalctl -u docker; to restart it: sudo systemctl restart docker",
        ),
    }[access]


def _access(view: HostView) -> Iterator[Finding]:
    found, fix = access_words(view.facts.access, view.subject.config.ssh.at(view.host).user)
    is_ok = view.facts.access is DockerAccess.ALLOWED
    needed = "docker without sudo"
    yield judged(is_ok, CheckName.DOCKER_ACCESS, view.host, found, needed, "failed", fix)


def _version(view: HostView) -> Iterator[Finding]:
    if not view.facts.docker:
        return
    version = str(view.facts.docker.get("ServerVersion", ""))
    major = re.match(r"\d+", version)
    yield judged(
        major is not None and int(major[0]) >= vendor.DOCKER_MAJOR,
        CheckName.DOCKER_VERSION,
        view.host,
        version,
        f"{vendor.DOCKER_MAJOR} or newer",
        "failed" if major else "unknown",
        "install a newer Docker",
    )


def _api(view: HostView) -> Iterator[Finding]:
    if not view.facts.docker:
        return
    text = str(view.facts.docker_server.get("MinAPIVersion") or "")
    numbers = tuple(int(number) for number in re.findall(r"\d+", text)[:2])
    ours = ".".join(map(str, API_VERSION))
    yield judged(
        len(numbers) == 2 and numbers <= API_VERSION,
        CheckName.DOCKER_API,
        view.host,
        f"it takes API {text} and newer" if text else "not told",
        f"API {ours} or an older one",
        "failed" if text else "unknown",
        "set min-api-version in the host's /etc/docker/daemon.json, or use an older Docker",
    )


def _host_network(view: HostView) -> Iterator[Finding]:
    if not view.facts.docker:
        return
    options = [str(option) for option in view.facts.docker.get("SecurityOptions") or ()]
    needed = "containers in the host's network"
    found, fix = "allowed", ""
    if any("rootless" in option for option in options):
        found = "Docker runs rootless: a container's ports aren't the host's"
        fix = "use the system's Docker daemon on this host"
    elif any("userns" in option for option in options):
        found = "Docker maps users (userns-remap), and then refuses the host's network"
        fix = "remove userns-remap from /etc/docker/daemon.json, and restart Docker"
    name = CheckName.HOST_NETWORK
    yield judged(not fix, name, view.host, found, needed, "failed", fix)


def _arguments(view: HostView) -> Iterator[Finding]:
    """What Docker would refuse when the old container is gone already."""
    if not view.facts.docker:
        return
    for instance in view.subject.instances(view.host):
        problems = list(_refused(view, instance))
        needed = f"settings of {instance.key} that Docker takes"
        if not problems:
            yield Finding(CheckName.CONTAINER_ARGUMENTS, view.host, "taken", needed)
        for verdict, found, fix in problems:
            yield Finding(CheckName.CONTAINER_ARGUMENTS, view.host, found, needed, verdict, fix)


def _refused(view: HostView, instance: Instance) -> Iterator[tuple[Verdict, str, str]]:
    section = instance.service if instance.pair is None else f"excp.pairs.{instance.pair}"
    cpus, memory_mib = instance.resources.cpus, instance.resources.memory_mib
    has = view.facts.docker.get("NCPU") or view.facts.number("cpus")
    if cpus is not None and cpus < LEAST_CPUS:
        yield "failed", f"{cpus:g} CPUs", f"set {section}.resources.cpus to {LEAST_CPUS} or more"
    if cpus is not None and isinstance(has, int) and cpus > has:
        fix = f"set {section}.resources.cpus to {has} or less"
        yield "failed", f"{cpus:g} CPUs, and the host has {has}", fix
    if memory_mib is not None and memory_mib < LEAST_MEMORY_MIB:
        fix = f"set {section}.resources.memory_mib to {LEAST_MEMORY_MIB} or more"
        yield "failed", f"{memory_mib} MiB of memory", fix
    if memory_mib is not None and view.facts.docker.get("MemoryLimit") is False:
        fix = "enable the memory cgroup on the host, or remove the limit"
        yield "warning", "the host's kernel can't limit memory", fix
    if cpus is not None and view.facts.docker.get("CpuCfsQuota") is False:
        fix = "enable the CPU cgroup's quota on the host, or remove the limit"
        yield "failed", "the host's kernel can't limit CPUs", fix
    if instance.log_container_path.rstrip("/") == "":
        fix = "set logs.container_path to a directory, /logs for instance"
        yield "failed", "the log directory would be the container's /", fix
    values = {**instance.environment, **_secrets(view, instance)}
    for name in sorted(name for name, value in values.items() if "\0" in name + value):
        yield "failed", f"the variable {name} holds a NUL", f"set {name} without it"


def _secrets(view: HostView, instance: Instance) -> dict[str, str]:
    known = view.subject.secrets
    return {
        variable: known[secret]
        for variable, secret in instance.secret_environment.items()
        if secret in known
    }


ACCESS = Check(
    CheckName.DOCKER_ACCESS, "the user may use the Docker daemon without sudo, and it runs", _access
)
VERSION = Check(CheckName.DOCKER_VERSION, "Docker is 20 or newer", _version)
API = Check(CheckName.DOCKER_API, "Docker takes the API that the plugins speak", _api)
HOST_NETWORK = Check(
    CheckName.HOST_NETWORK, "Docker lets a container use the host's network", _host_network
)
ARGUMENTS = Check(
    CheckName.CONTAINER_ARGUMENTS,
    "Docker takes each container's settings: limits, paths, variables",
    _arguments,
)
