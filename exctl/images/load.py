"""Bringing archives, or an image that only a host still has, into the registry."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from exctl.errors import ExctlError, Interrupted, NothingTouched
from exctl.images.access import image_named, names_of, registry_errors, registry_of
from exctl.images.on_hosts import known, look
from exctl.images.progress import Bar
from exctl.images.target import ImageTarget, LoadOptions, kind_of, refused, targets_of
from exctl.site import Site
from exctl.terminal.messages import say, show
from hosts.shell import session
from oci import uploads
from oci.archives.content import Content, check_space, content_of
from oci.archives.examine import examined
from oci.manifest import Start
from oci.reference import ImageReference, is_tag, parsed
from oci.registry import RegistryClient
from stack.ssh import ssh_target

MIB = 1 << 20
WORK = "exctl-images-"


@contextmanager
def work_directory(parent: Path | None = None) -> Iterator[Path]:
    """A directory for what has to be compressed, gone afterwards, in `parent` or else where
    temporary files go; what killed runs of this user left there is removed first, for it may be
    what fills the disk."""
    place = parent or Path(tempfile.gettempdir())
    for left in place.glob(f"{WORK}*-*"):
        pid = left.name.removeprefix(WORK).partition("-")[0]
        if left.stat().st_uid == os.getuid() and not Path("/proc", pid).exists():
            shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=f"{WORK}{os.getpid()}-", dir=place) as directory:
        yield Path(directory)


def load(site: Site, paths: Sequence[Path], wanted: LoadOptions) -> None:
    """Each archive into the registry, all of them looked through before the first is pushed."""
    targets = targets_of(paths, wanted)
    registry = registry_of(site, wanted.via)
    for target in targets:
        with content_ready(target, wanted) as content, registry_errors(wanted.via):
            for name in names_of(site.config, target.service):
                image = image_named(site.config, name).with_tag(target.tag)
                _push(registry, image, content, wanted)


@contextmanager
def content_ready(target: ImageTarget, wanted: LoadOptions) -> Iterator[Content]:
    """The image of an archive, in files that are gone afterwards; says what it is, and warns at the
    end of one that can't start."""
    with work_directory() as directory:
        with refused():
            content = content_of(target.archive, wanted.start, directory, wanted.architecture)
        say(f"{target.archive.path.name}: a {kind_of(target.archive)}, whole")
        yield content
    if not content.starts:
        say(
            f"warning: {target.archive.path.name} doesn't say how it starts, so no container"
            " of it can start. A root file system never does: ask the vendor for the entry"
            " point, and load it again with --entrypoint and --replace."
        )


def _push(
    registry: RegistryClient, image: ImageReference, content: Content, wanted: LoadOptions
) -> None:
    there = registry.digest(image)
    if there == content.digest:
        show(f"{image} is in the registry already, {content.digest}")
        return
    if there is not None and not wanted.replace:
        raise ExctlError(
            f"{image} is another image in the registry ({there}) than this one"
            f" ({content.digest}), and was left as it is. Load this one under another tag"
            f" (--tag), or move the tag with --replace; hosts that have the old image keep it"
            f" until they pull again."
        )
    bar = Bar(f"pushing {image.name}:{image.tag}", content.size)
    chunk = wanted.chunk_mib * MIB
    try:
        with _stoppable() as is_stop_wanted:
            pushed = uploads.push(registry, image, content, chunk, bar.add, is_stop_wanted)
    except uploads.UploadStopped as stopped:
        raise Interrupted(
            f"interrupted: {stopped.done / 1e6:.1f} of {stopped.size / 1e6:.1f} MB of this part"
            " are in the registry, and the tag is as it was. Run the same command again to resume.",
            touched=True,
        ) from None
    finally:
        bar.end()
    skipped = f", {pushed.there / 1e6:.1f} MB were there already" if pushed.there else ""
    show(f"{image} pushed and verified, {content.digest}")
    say(f"sent {pushed.sent / 1e6:.1f} MB{skipped}; image id {content.image_id}")


@contextmanager
def _stoppable() -> Iterator[Callable[[], bool]]:
    """Within, the first Ctrl-C or SIGTERM only asks to stop; the second one ends at once."""
    asked: list[int] = []

    def handle(number: int, _frame: FrameType | None) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(number)

    before = {n: signal.signal(n, handle) for n in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(asked)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def recover(site: Site, host: str, text: str, wanted: LoadOptions) -> None:
    """An image that a host has into the registry, by way of this machine.

    `docker push` there would leave the registry's password on the host; so the host only reads
    the image out, and the push is ours.
    """
    name, _, tag = text.rpartition(":")
    if not name or not is_tag(tag):
        raise NothingTouched(f"{text} isn't an image with its tag: name it as excp:100.0.100.11.")
    registry = registry_of(site, wanted.via)
    wanted_image = image_named(site.config, name).with_tag(tag)
    found = look(site, [host])[host]
    if isinstance(found, str):
        raise ExctlError(f"{host}: {found}")
    on_it = {r: i for i in known({host: found}) for r in map(parsed, i.tags) if r is not None}
    image = on_it.get(wanted_image)
    if image is None:
        ours = sorted(str(r) for r in on_it if r.registry == wanted_image.registry)
        raise NothingTouched(
            f"{host} has no image {wanted_image}; it has: {', '.join(ours) or 'none of this'}"
            " registry."
        )
    with work_directory() as directory:
        # The archive, and its layers compressed.
        path = directory / "image.tar"
        with refused():
            check_space(directory, image.size_bytes * 2, f"reading {text} from {host}")
            _read_out(site, host, str(wanted_image), path)
            content = content_of(
                examined(path), Start(), directory, image.architecture or wanted.architecture
            )
        with registry_errors(wanted.via):
            _push(registry, wanted_image, content, wanted)
    _compare(host, image.digests, content)


def _compare(host: str, before: Sequence[str], content: Content) -> None:
    if content.digest in before:
        show(f"its digest is the one that {host} has")
        return
    known_as = ", ".join(before) or "none"
    show(
        f"its digest differs from before ({known_as}), although it is the same image: Docker"
        f" doesn't keep the layers' compression. A rollback to a release that recorded the"
        " old digest works on the hosts that still have it, not on a new one."
    )


def _read_out(site: Site, host: str, image: str, path: Path) -> None:
    ssh = ssh_target(site.config.ssh, host).command
    say(f"reading {image} from {host}")
    with path.open("wb") as file, session(ssh, ["docker", "save", image], None) as running:
        for chunk in running:
            file.write(chunk)
        answer = running.answer()
    if answer.code != 0:
        free = shutil.disk_usage(path.parent).free / 1e6
        raise ExctlError(
            f"{host}: docker save {image}: {answer.why()} ({free:.0f} MB are free in"
            f" {path.parent}).",
            touched=False,
        )
