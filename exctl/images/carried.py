"""Images for a kit: as a stack's registry has them, or the vendor's own archives."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from exctl.errors import NothingTouched
from exctl.images.access import registry_errors, registry_of
from exctl.images.load import work_directory
from exctl.images.target import LoadOptions, refused, target
from exctl.site import Site
from exctl.terminal.messages import say
from kit.contents import IMAGES, KitImage
from oci.downloads import download
from oci.errors import ArchiveError
from oci.loadable import write_oci
from oci.reference import ImageReference
from vendor_facts import Service


def of_stack(site: Site, via: str | None, architecture: str, to: Path) -> list[KitImage]:
    """Writes each image that the stack's instances run into the directory, out of its registry."""
    registry = registry_of(site, via)
    found: dict[tuple[Service, str], ImageReference] = {}
    for instance in site.layout.instances:
        image = ImageReference.parse(instance.image)
        other = found.setdefault((instance.service, instance.tag), image)
        if other != image:
            raise NothingTouched(
                f"{other} and {image} are two images of {instance.service}:{instance.tag}, and a"
                f" kit holds one image per version: give one of them another tag."
            )
    images = []
    for (service, tag), image in found.items():
        carried = KitImage(f"{IMAGES}/{service}-{tag}.tar", service, tag)
        say(f"fetching {image}")
        with work_directory() as directory, registry_errors(via), refused():
            content = download(registry, image, directory, architecture)
            named = ImageReference.parse(f"{image.place}:{tag}")
            with (to / Path(carried.file).name).open("wb") as file:
                write_oci(content, named, file, lambda _count: None)
        say(f"{image} is in the kit, {content.digest}")
        images.append(carried)
    return images


def of_files(paths: Sequence[Path], to: Path) -> list[KitImage]:
    """Copies the vendor's archives, as they are, into the directory; each is read to its end."""
    images: dict[str, KitImage] = {}
    for path in paths:
        with refused():
            if path.is_dir():
                raise ArchiveError(f"{path} is a directory; a kit carries the vendor's archives")
            found = target(path, LoadOptions())
        carried = KitImage(f"{IMAGES}/{path.name}", found.service, found.tag)
        if images.setdefault(f"{found.service}:{found.tag}", carried) is not carried:
            raise NothingTouched(f"--images names {found.service}:{found.tag} twice.")
        shutil.copyfile(path, to / path.name)
        say(f"{path.name} is in the kit")
    return list(images.values())
