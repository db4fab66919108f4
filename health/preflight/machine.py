"""The host itself: system, cores, memory, disk, and whether it is one host or two names of one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import vendor_facts as vendor
from config_schema import CheckName
from health.preflight import registry
from health.preflight.check import Check, HostView, StackView
from health.preflight.finding import Finding, Verdict, judged
from health.preflight.host_facts import HostFacts
from stack.text import counted

_64_BIT = ("x86_64", "aarch64", "ppc64le", "s390x", "riscv64")
_BY_DOCKER = {"amd64": "x86_64", "arm64": "aarch64"}
"""Docker's and Go's word for an architecture → the kernel's, where they differ."""
MEMORY_MIB, DISK_MIB = 7500, 75_000
"""Source: deployment, 8 GB and 80 GB: a host sold with them has somewhat fewer MiB to use."""
RESERVE_MIB = 1024
"""Chosen: what is to be free on Docker's disk besides images, for containers and their stdout."""
UNPACKED = 3
"""Chosen: an image takes about three times its compressed layers while it's pulled: the layers and
what they unpack to (a root file system packs to a half)."""
UNKNOWN_IMAGE_MIB = 1024
"""Chosen: what an image is taken to need if the registry couldn't say."""


def _kernel(view: HostView) -> Iterator[Finding]:
    kernel = view.facts.facts.get("kernel", "")
    version = tuple(int(number) for number in re.findall(r"\d+", kernel)[:2])
    yield judged(
        version >= vendor.KERNEL,
        CheckName.KERNEL,
        view.host,
        kernel or "not told",
        f"{vendor.KERNEL[0]}.{vendor.KERNEL[1]} or newer",
        "failed" if version else "unknown",
        "use a newer system",
    )


def _architecture(view: HostView) -> Iterator[Finding]:
    machine, bits = (view.facts.facts.get(name, "") for name in ("machine", "bits"))
    yield judged(
        machine in _64_BIT and bits in ("64", ""),
        CheckName.ARCHITECTURE,
        view.host,
        f"{machine or 'not told'}{f', {bits} bits' if bits else ''}",
        "64-bit Linux",
        "failed" if machine else "unknown",
        "use a 64-bit system",
    )
    for image in view.subject.images(view.host):
        found = registry.image_on_host(view.facts, image)
        of_image = _BY_DOCKER.get(found.architecture, found.architecture) if found else ""
        if of_image and machine and of_image != machine:
            yield Finding(
                CheckName.ARCHITECTURE,
                view.host,
                f"{image} is made for {of_image}",
                f"an image for {machine}",
                "failed",
                f"push the image for {machine} (exctl images), or use a host of {of_image}",
            )


def _cpus(view: HostView) -> Iterator[Finding]:
    has = view.facts.number("cpus")
    yield _at_least(CheckName.CPUS, view.host, has, vendor.HOST_CPUS, "")


def _memory(view: HostView) -> Iterator[Finding]:
    has = view.facts.number("memory_mib")
    yield _at_least(CheckName.MEMORY, view.host, has, MEMORY_MIB, " MiB")


def _disk_size(view: HostView) -> Iterator[Finding]:
    yield _at_least(CheckName.DISK_SIZE, view.host, disk(view.facts)[0], DISK_MIB, " MiB")


def _at_least(check: CheckName, host: str, has: int | None, least: int, unit: str) -> Finding:
    """What the vendor recommends: too little is a warning, since a small site may do with less."""
    return judged(
        has is not None and has >= least,
        check,
        host,
        "not told" if has is None else f"{has}{unit}",
        f"{least}{unit}",
        "unknown" if has is None else "warning",
        "give the host more, or waive it for a small site",
    )


def _time_sync(view: HostView) -> Iterator[Finding]:
    sync, chrony = (view.facts.facts.get(name, "") for name in ("sync", "chrony"))
    needed = "the clock is kept by NTP"
    fix = "install chrony, or systemctl enable --now systemd-timesyncd"
    name, host = CheckName.TIME_SYNC, view.host
    if sync == "yes" or chrony.endswith("Normal"):
        yield Finding(name, host, "synchronised", needed)
    elif sync == "no" or chrony:
        yield Finding(name, host, "not synchronised", needed, "warning", fix)
    else:
        found = "neither timedatectl nor chronyc answers"
        yield Finding(name, host, found, needed, "unknown", fix)


def disk(facts: HostFacts) -> tuple[int | None, int | None]:
    """Size and free space of the disk that Docker's images are on, MiB."""
    numbers = [int(word) for word in facts.facts.get("disk", "").split() if word.isdecimal()]
    return (numbers[0], numbers[1]) if len(numbers) == 2 else (None, None)


def _disk_space(view: HostView) -> Iterator[Finding]:
    """Whether what is to be pulled fits; what is on the host already, retained releases' images
    included, has its place."""
    facts, answer = view.facts, view.answers.registry
    if not facts.docker:
        return
    manifests = {} if answer is None else answer.manifests
    images = view.subject.images(view.host) if view.subject.registry else []
    to_pull = registry.to_pull(images, facts, manifests)
    fix = "exctl images prune, or a larger disk"
    yield room_for(to_pull, CheckName.DISK_SPACE, view.host, facts, "failed", fix)


def room_for(
    to_pull: Mapping[str, int | None],
    check: CheckName,
    host: str,
    facts: HostFacts,
    verdict: Verdict,
    fix: str,
) -> Finding:
    """Whether the images (with their compressed bytes, None: not known) fit on Docker's disk."""
    free = disk(facts)[1]
    needed = RESERVE_MIB + sum(
        UNKNOWN_IMAGE_MIB if size is None else -(-size * UNPACKED >> 20)
        for size in to_pull.values()
    )
    what = f" for {counted(len(to_pull), 'image')} to pull" if to_pull else ""
    guess = ", size unknown" if None in to_pull.values() else ""
    where = facts.facts.get("store", "")
    return judged(
        free is not None and free >= needed,
        check,
        host,
        "not told" if free is None else f"{free} MiB free{f' at {where}' if where else ''}",
        f"{needed} MiB{what}{guess}",
        "unknown" if free is None else verdict,
        fix,
    )


def _same_host(view: StackView) -> Iterator[Finding]:
    """One system under two names would give a pair whose instances fight for one port. A cloned
    machine has its original's machine-id, but no two that run have one boot-id as well."""
    seen: dict[tuple[str, str], str] = {}
    for host, answers in view.answers.items():
        if answers.facts is None:
            continue
        ids = [answers.facts.facts.get(name, "") for name in ("machine_id", "boot_id")]
        needed = "a separate host for each name"
        if not all(ids):
            found, fix = "it doesn't say", "see /etc/machine-id on the host"
            yield Finding(CheckName.SAME_HOST, host, found, needed, "unknown", fix)
            continue
        other = seen.setdefault((ids[0], ids[1]), host)
        yield judged(
            other == host,
            CheckName.SAME_HOST,
            host,
            "its own" if other == host else f"the same host as {other}",
            needed,
            "failed",
            f"call it {other} everywhere in the stack file, or give the instance another host",
        )


KERNEL = Check(CheckName.KERNEL, "the kernel is 4.18 or newer", _kernel)
ARCHITECTURE = Check(
    CheckName.ARCHITECTURE, "the system has 64 bits, and the images are made for it", _architecture
)
CPUS = Check(CheckName.CPUS, "the host has 2 cores", _cpus, stops=False)
MEMORY = Check(CheckName.MEMORY, "the host has 8 GB of memory", _memory, stops=False)
DISK_SIZE = Check(
    CheckName.DISK_SIZE,
    "the disk of Docker's images and containers has 80 GB",
    _disk_size,
    stops=False,
)
DISK_SPACE = Check(
    CheckName.DISK_SPACE,
    "there is room for the images to be pulled, next to those that are kept",
    _disk_space,
)
TIME_SYNC = Check(
    CheckName.TIME_SYNC, "something keeps the host's clock right", _time_sync, stops=False
)
SAME_HOST = Check(CheckName.SAME_HOST, "no two names mean the same host", of_stack=_same_host)
