"""The host itself: system, Docker, cores, memory, disk. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

import vendor_facts as vendor
from health.preflight.finding import Finding, judged
from health.preflight.host_facts import HostFacts
from stack.text import counted, plain_text

_64_BIT = ("x86_64", "aarch64", "ppc64le", "s390x", "riscv64")
MEMORY_MIB, DISK_MIB = 7500, 75_000
"""Source: deployment, 8 GB and 80 GB: a host sold with them has somewhat fewer MiB to use."""
RESERVE_MIB = 1024
"""Chosen: what is to be free on Docker's disk besides images, for containers and their stdout."""
UNPACKED = 3
"""Chosen: an image takes about three times its compressed layers while it's pulled: the layers and
what they unpack to (a root file system packs to a half)."""
UNKNOWN_IMAGE_MIB = 1024
"""Chosen: what an image is taken to need if the registry couldn't say."""


def findings(host: str, facts: HostFacts) -> Iterator[Finding]:
    yield from _docker(host, facts)
    kernel = facts.facts.get("kernel", "")
    version = tuple(int(number) for number in re.findall(r"\d+", kernel)[:2])
    yield judged(
        version >= vendor.KERNEL,
        "kernel",
        host,
        kernel or "not told",
        f"{vendor.KERNEL[0]}.{vendor.KERNEL[1]} or newer",
        "stops" if version else "not known",
        "use a newer system",
    )
    machine, bits = facts.facts.get("machine", ""), facts.facts.get("bits", "")
    yield judged(
        machine in _64_BIT and bits in ("64", ""),
        "architecture",
        host,
        f"{machine or 'not told'}{f', {bits} bits' if bits else ''}",
        "64-bit Linux",
        "stops" if machine else "not known",
        "use a 64-bit system",
    )
    yield _at_least("cpus", host, facts.number("cpus"), vendor.HOST_CPUS, "")
    yield _at_least("memory", host, facts.number("memory_mib"), MEMORY_MIB, " MiB")
    yield _at_least("disk-size", host, disk(facts)[0], DISK_MIB, " MiB")
    yield _time_sync(host, facts)


def _docker(host: str, facts: HostFacts) -> Iterator[Finding]:
    if not facts.docker:
        fix = "install docker.io or docker-ce; put the user into the group docker"
        found = plain_text(facts.docker_said)
        yield Finding("docker-access", host, found, "docker without sudo", "stops", fix)
        return
    yield Finding("docker-access", host, "allowed", "docker without sudo")
    version = str(facts.docker.get("ServerVersion", ""))
    major = re.match(r"\d+", version)
    yield judged(
        major is not None and int(major[0]) >= vendor.DOCKER_MAJOR,
        "docker-version",
        host,
        version,
        f"{vendor.DOCKER_MAJOR} or newer",
        "stops" if major else "not known",
        "install a newer Docker",
    )


def _at_least(check: str, host: str, has: int | None, least: int, unit: str) -> Finding:
    """What the vendor recommends: too little is a warning, since a small site may do with less."""
    found = "not told" if has is None else f"{has}{unit}"
    return judged(
        has is not None and has >= least,
        check,
        host,
        found,
        f"{least}{unit}",
        "not known" if has is None else "warning",
        "give the host more, or waive it for a small site",
    )


def _time_sync(host: str, facts: HostFacts) -> Finding:
    sync, chrony = facts.facts.get("sync", ""), facts.facts.get("chrony", "")
    needed = "the clock is kept by NTP"
    fix = "install chrony, or systemctl enable --now systemd-timesyncd"
    if sync == "yes" or chrony.endswith("Normal"):
        return Finding("time-sync", host, "synchronised", needed)
    if sync == "no" or chrony:
        return Finding("time-sync", host, "not synchronised", needed, "warning", fix)
    found = "neither timedatectl nor chronyc answers"
    return Finding("time-sync", host, found, needed, "not known", fix)


def disk(facts: HostFacts) -> tuple[int | None, int | None]:
    """Size and free space of the disk that Docker's images are on, MiB."""
    numbers = [int(word) for word in facts.facts.get("disk", "").split() if word.isdecimal()]
    return (numbers[0], numbers[1]) if len(numbers) == 2 else (None, None)


def disk_space(host: str, facts: HostFacts, to_pull: dict[str, int | None]) -> Finding:
    """Whether what is to be pulled fits; what is on the host already, retained releases' images
    included, has its place. `to_pull` is image → compressed bytes, None if they aren't known."""
    free = disk(facts)[1]
    needed = RESERVE_MIB + sum(
        UNKNOWN_IMAGE_MIB if size is None else -(-size * UNPACKED >> 20)
        for size in to_pull.values()
    )
    many = counted(len(to_pull), "image")
    what = f" for {many} to pull" if to_pull else ""
    guess = ", size not known" if None in to_pull.values() else ""
    return judged(
        free is not None and free >= needed,
        "disk-space",
        host,
        "not told" if free is None else f"{free} MiB free",
        f"{needed} MiB{what}{guess}",
        "not known" if free is None else "stops",
        "exctl images prune, or a larger disk",
    )
