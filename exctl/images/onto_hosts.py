"""Bringing archives straight onto hosts, over SSH: a site without a registry deploys this way."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from exctl.errors import ExctlError, NothingTouched
from exctl.hosts import on_each, on_host
from exctl.images.access import checked
from exctl.images.load import content_ready
from exctl.images.progress import Bar
from exctl.images.target import ImageTarget, LoadOptions, targets_of
from exctl.site import Site
from exctl.terminal.messages import show
from hosts import commands
from oci import uploads
from oci.archives.content import Content
from oci.loadable import ids_of, write_loadable
from oci.reference import ImageReference
from stack.ssh import make_control_directory, ssh_target
from stack.text import counted, plain_text

AT_ONCE = 8
"""Chosen: hosts that are sent to side by side; more share one network card, and gain nothing."""
UNPACKED = 3
"""Chosen: space on the host for each compressed byte, as the preflight counts it."""
LOOK_SECONDS = 60
_LOOK = """
docker version --format '{{.Server.Os}}/{{.Server.Arch}}' || exit 3
root=$(docker info --format '{{.DockerRootDir}}') || exit 3
df -Pk "$root" | awk 'NR == 2 {print $4}'
docker image inspect --format '{{.Id}}' "$1" 2>/dev/null || echo none
"""


@dataclass(frozen=True)
class Ready:
    """What a host said before anything was sent: its system, free space, and the id of the image
    that it has under the name, or none."""

    platform: str
    free_bytes: int
    has: str | None


def push(site: Site, paths: Sequence[Path], hosts: Sequence[str], wanted: LoadOptions) -> None:
    """Each archive onto the hosts that run its service, or onto `hosts`; what is there already
    isn't sent again, so that an interrupted run is simply repeated.

    Raises NothingTouched before anything is sent, ExctlError with every host that failed.
    """
    for host in hosts:
        checked(site, "--host", host)
    targets = targets_of(paths, wanted)
    for target in targets:
        to = _images(site, target, hosts)
        with content_ready(target, wanted) as content:
            _push(site, to, content, wanted)


def _images(
    site: Site, target: ImageTarget, hosts: Sequence[str]
) -> dict[str, list[ImageReference]]:
    """Host → the names that the image is to have there: those of the instances that run it; on a
    host that is named though it runs none of them, all."""
    found: dict[str, list[ImageReference]] = {}
    for instance in site.layout.of(target.service):
        image = ImageReference.parse(instance.place).with_tag(target.tag)
        for host in hosts or [instance.host]:
            runs_it = any(i.host == host for i in site.layout.of(target.service))
            if (instance.host == host or not runs_it) and image not in found.setdefault(host, []):
                found[host].append(image)
    return found


def _push(
    site: Site, to: Mapping[str, list[ImageReference]], content: Content, wanted: LoadOptions
) -> None:
    jobs = [(host, image) for host, images in to.items() for image in images]
    make_control_directory()
    looked = dict(zip(jobs, on_each(jobs, lambda job: _look(site, *job)), strict=True))
    problems = [line for job in jobs for line in _problems(*job, looked[job], content, wanted)]
    if problems:
        raise NothingTouched("\n".join(problems))
    left = []
    for (host, image), ready in looked.items():
        assert isinstance(ready, Ready)
        if ready.has in ids_of(content):
            show(f"{host} has {image} already, {ready.has}")
        else:
            left.append((host, image))
    bar = Bar(f"sending to {counted(len(left), 'host')}", content.size * len(left))
    lock, slots = threading.Lock(), threading.Semaphore(AT_ONCE)

    def told(count: int) -> None:
        with lock:
            bar.add(count)

    def send(job: tuple[str, ImageReference]) -> str:
        with slots:
            try:
                return _send(site, *job, content, told)
            except OSError as error:
                return f"{job[0]}: {error.strerror or error}"

    try:
        failed = [why for why in on_each(left, send) if why]
    finally:
        bar.end()
    if failed:
        raise ExctlError(
            "\n".join(
                [
                    f"{len(failed)} of {counted(len(jobs), 'host')} didn't get the image:",
                    *(f"  {why}" for why in failed),
                    "The others have it, and every container runs as before. Run the same command"
                    " again: what is there isn't sent again.",
                ]
            )
        )


def _look(site: Site, host: str, image: ImageReference) -> Ready | str:
    """What the host says, or why it doesn't."""
    answer = on_host(site, host, LOOK_SECONDS)(["sh", "-c", _LOOK, "sh", str(image)])
    lines = answer.stdout.split()
    if answer.code != 0 or len(lines) < 3 or not lines[-2].isdecimal():
        what = "can't be asked for its images" if answer.is_reached else "can't be reached"
        return f"{host} {what}: {answer.why()}"
    has = None if lines[-1] == "none" else lines[-1]
    return Ready(lines[-3], int(lines[-2]) << 10, has)


def _problems(
    host: str, image: ImageReference, ready: Ready | str, content: Content, wanted: LoadOptions
) -> list[str]:
    """What speaks against sending it there; pure."""
    if isinstance(ready, str):
        return [ready]
    if ready.has in ids_of(content):
        return []
    found = []
    if ready.platform != f"{content.os}/{content.architecture}":
        found.append(
            f"{host} is {ready.platform}, and the image is for {content.os}/{content.architecture}"
        )
    if ready.free_bytes < content.size * UNPACKED:
        found.append(
            f"{host} has {ready.free_bytes / 1e6:.0f} MB free for images, and this one needs"
            f" {content.size * UNPACKED / 1e6:.0f} MB: exctl images prune, or make room"
        )
    if ready.has is not None and not wanted.replace:
        found.append(
            f"{host} has another image under {image} ({ready.has}) than this one"
            f" ({content.image_id}): give this one another tag (--tag), or --replace"
        )
    return found


def _send(
    site: Site, host: str, image: ImageReference, content: Content, told: uploads.Progress
) -> str:
    """Loads it there, and compares what the host has then; what went wrong, or nothing."""
    ssh = ssh_target(site.config.ssh, host).command
    answer = commands.load(ssh, lambda stdin: write_loadable(content, image, stdin, told))
    if answer.code != 0:
        said = plain_text(answer.stderr.strip())
        return f"{host}: docker load ended with {answer.code}: {said or 'no words'}"
    ready = _look(site, host, image)
    if isinstance(ready, str):
        return f"{ready}; whether it has the image isn't known"
    if ready.has not in ids_of(content):
        return f"{host}: {image} is {ready.has} there now, and not {content.image_id}"
    show(f"{host} has {image}, verified, {ready.has}")
    return ""
