"""Bringing archives, or an image that only a host still has, into the registry."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from exctl.errors import ExctlError, NothingTouched
from exctl.hosts import on_host, reached
from exctl.images import uploads
from exctl.images.access import SERVICES, names_of, registry_of
from exctl.images.archive import Archive, examined, named
from exctl.images.content import Content, check_space, content_of
from exctl.images.manifest import Start
from exctl.images.on_hosts import known, look
from exctl.images.progress import Bar
from exctl.images.registry import Registry
from exctl.site import Site
from exctl.terminal.messages import say
from stack.ssh import make_control_directory, ssh_target
from vendor_facts import Service

MIB = 1 << 20
WORK = "exctl-images-"


@dataclass(frozen=True)
class Wanted:
    """How a load is done, as the operator's options say."""

    service: str | None = None
    tag: str | None = None
    start: Start = field(default_factory=Start)
    replace: bool = False
    chunk_mib: int = uploads.CHUNK_MIB
    via: str | None = None


@dataclass(frozen=True)
class Target:
    """Where an archive's image goes."""

    archive: Archive
    service: Service
    tag: str


@contextmanager
def work_directory() -> Iterator[Path]:
    """A directory for what has to be compressed, gone afterwards; what killed runs of this user
    left is removed first, for it may be what fills the disk."""
    place = Path(tempfile.gettempdir())
    for left in place.glob(f"{WORK}*-*"):
        pid = left.name.removeprefix(WORK).partition("-")[0]
        if left.stat().st_uid == os.getuid() and not Path("/proc", pid).exists():
            shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=f"{WORK}{os.getpid()}-") as directory:
        yield Path(directory)


def load(site: Site, paths: Sequence[Path], wanted: Wanted) -> None:
    """Each archive into the registry, all of them looked through before the first is pushed."""
    targets = [target(path, wanted) for path in paths]
    registry = registry_of(site, wanted.via)
    for each in targets:
        with work_directory() as directory:
            content = content_of(each.archive, wanted.start, directory)
            say(f"{each.archive.path.name}: a {_kind(each.archive)}, whole")
            for name in names_of(site.config, each.service):
                _push(registry, name, each.tag, content, wanted)
        if not content.starts:
            say(
                f"warning: {each.archive.path.name} says nothing of how it starts, so no container"
                " of it can start. A root file system never does: ask the vendor for the entry"
                " point, and load it again with --entrypoint and --replace."
            )


def _kind(archive: Archive) -> str:
    inside = f" (in {archive.member})" if archive.member else ""
    return f"{archive.kind}{inside}"


def target(path: Path, wanted: Wanted) -> Target:
    """What an archive is for, by its name or the options, and what it is.

    Raises NothingTouched if neither says, or the archive is damaged.
    """
    by_name = named(path) or (None, None)
    service, tag = wanted.service or by_name[0], wanted.tag or by_name[1]
    if service == "exop":
        raise NothingTouched(
            f"{path.name} is the vendor's bootstrap package and no image; exctl takes its place."
        )
    if service not in SERVICES or tag is None:
        raise NothingTouched(
            f"{path.name} isn't named as the vendor names images (excs-100.0.100.11.tgz); say what"
            " it is: --service excs|exas|excp --tag VERSION."
        )
    return Target(examined(path), service, tag)


def _push(registry: Registry, name: str, tag: str, content: Content, wanted: Wanted) -> None:
    reference = f"{registry.repository}/{name}:{tag}"
    there = registry.digest(name, tag)
    if there == content.digest:
        print(f"{reference} is in the registry already, {content.digest}")
        return
    if there is not None and not wanted.replace:
        raise ExctlError(
            f"{reference} is another image in the registry ({there}) than this one"
            f" ({content.digest}), and was left so. Load it under a tag of its own (--tag), or let"
            " the tag lead to this one from now on with --replace; hosts that have the other keep"
            " it until they are told to pull."
        )
    bar = Bar(f"pushing {name}:{tag}", content.size)
    try:
        pushed = uploads.push(registry, name, tag, content, wanted.chunk_mib * MIB, bar.add)
    finally:
        bar.end()
    skipped = f", {pushed.there / 1e6:.1f} MB were there already" if pushed.there else ""
    print(f"{reference} pushed and verified, {content.digest}")
    say(f"sent {pushed.sent / 1e6:.1f} MB{skipped}; image id {content.image_id}")


def push_from_host(site: Site, host: str, reference: str, wanted: Wanted) -> None:
    """An image that a host has into the registry, by way of this machine.

    `docker push` there would leave the registry's password on the host; so the host only reads
    the image out, and the push is ours.
    """
    found = look(site, [host])[host]
    if isinstance(found, str):
        raise ExctlError(f"{host}: {found}")
    name, tag = reference.rpartition(":")[0], reference.rpartition(":")[2]
    whole = f"{site.config.registry.repository}/{reference}"
    image = next((i for i in known({host: found}) if whole in i.tags), None)
    if image is None:
        ours = sorted(t for i in found for t in i.tags if t.startswith(whole.rpartition("/")[0]))
        raise NothingTouched(
            f"{host} has no image {whole}; it has: {', '.join(ours) or 'none of this repository'}."
        )
    registry = registry_of(site, wanted.via)
    with work_directory() as directory:
        # The archive, and its layers compressed.
        check_space(directory, image.size * 2, f"reading {reference} out of {host}")
        path = directory / "image.tar"
        _read_out(site, host, whole, path)
        content = content_of(examined(path), Start(), directory)
        _push(registry, name, tag, content, wanted)
    _compare(host, [d.rpartition("@")[2] for d in image.digests], content)


def _compare(host: str, before: Sequence[str], content: Content) -> None:
    if content.digest in before:
        print(f"its digest is the same as {host} knows it by")
        return
    known_as = ", ".join(before) or "none"
    print(
        f"its digest is another than before ({known_as}), though it is the same image: Docker"
        " doesn't keep how the layers were compressed. A rollback to a release that recorded the"
        " old digest works on the hosts that still have it, not on a new one."
    )


def _read_out(site: Site, host: str, image: str, path: Path) -> None:
    reached(host, on_host(site, host)(["true"]))
    make_control_directory()
    command = [*ssh_target(site.config.ssh, host).command, "docker", "save", image]
    say(f"reading {image} out of {host}")
    with path.open("wb") as file, tempfile.TemporaryFile() as words:
        code = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=file, stderr=words, check=False
        ).returncode
        words.seek(0)
        said = words.read().decode("utf-8", "replace").strip()
    if code != 0:
        free = shutil.disk_usage(path.parent).free / 1e6
        raise ExctlError(
            f"{host}: docker save {image} ended with {code}: {said or 'no words'} ({free:.0f} MB"
            f" are free in {path.parent}).",
            touched=False,
        )
