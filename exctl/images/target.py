"""What an archive is loaded as: by its name, the operator's options, and what it says itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from config_schema import Tag
from exctl.errors import NothingTouched
from kit.contents import KitImage, description_in, folder_of
from kit.errors import KitError
from oci import uploads
from oci.archives.examine import Archive, examined, named, service_and_tag
from oci.errors import ArchiveError
from oci.manifest import ARCHITECTURE, Start
from vendor_facts import SERVICES, Service


@dataclass(frozen=True)
class LoadOptions:
    """How a load is done, as the operator's options say."""

    service: str | None = None
    tag: str | None = None
    start: Start = field(default_factory=Start)
    replace: bool = False
    chunk_mib: int = uploads.CHUNK_MIB
    via: str | None = None
    architecture: str = ARCHITECTURE


@dataclass(frozen=True)
class ImageTarget:
    """What an archive's image is to be called."""

    archive: Archive
    service: Service
    tag: str


def targets_of(paths: Sequence[Path], wanted: LoadOptions) -> list[ImageTarget]:
    """Each archive with what it is for. Raises NothingTouched for the first that can't be used."""
    if len(paths) > 1 and (wanted.service or wanted.tag):
        raise NothingTouched("--service and --tag are for one file.")
    with refused():
        return [found for path in paths for found in _targets(path, wanted)]


@contextmanager
def refused() -> Iterator[None]:
    """Within, an archive that can't be used is a mistake found before anything was touched."""
    try:
        yield
    except ArchiveError as error:
        raise NothingTouched(f"{error}.") from None


def _targets(path: Path, wanted: LoadOptions) -> list[ImageTarget]:
    """What a file is for; of a kit, each image in it, or those of the service and version named."""
    try:
        kit = description_in(path)
    except KitError as error:
        raise ArchiveError(str(error).rstrip(".")) from None
    if kit is None:
        return [target(path, wanted)]
    chosen = [
        image
        for image in kit.images
        if wanted.service in (None, image.service) and wanted.tag in (None, image.tag)
    ]
    if not chosen:
        there = ", ".join(f"{image.service}:{image.tag}" for image in kit.images)
        raise ArchiveError(
            f"the kit {path.name} has no such image; in it: {there or 'none'}. exctl kit build"
            " --stack NAME, or --images FILE, puts images into a kit"
        )
    return [_carried(path, image) for image in chosen]


def _carried(path: Path, image: KitImage) -> ImageTarget:
    """An image of a kit: of one that is unpacked, or out of its archive."""
    service = next((each for each in SERVICES if each == image.service), None)
    if service is None:
        raise ArchiveError(f"{path.name} has an image of {image.service}, which isn't a service")
    if path.is_dir():
        return ImageTarget(examined(path / image.file), service, image.tag)
    archive = examined(path, (folder_of(path) + image.file,))
    return ImageTarget(archive, service, image.tag)


def target(path: Path, wanted: LoadOptions) -> ImageTarget:
    """What an archive is for, and what it is. Raises ArchiveError if it's damaged or contradicts
    its name, or nothing says what it is for."""
    by_name = named(path) or (None, None)
    service, tag = wanted.service or by_name[0], wanted.tag or by_name[1]
    if service == "exop":
        raise ArchiveError(
            f"{path.name} is the vendor's bootstrap package, not an image; exctl replaces it"
        )
    known = next((each for each in SERVICES if each == service), None)
    if known is None or tag is None:
        raise ArchiveError(
            f"{path.name} isn't named like the vendor's images (excs-100.0.100.11.tgz): say what"
            f" it is with --service {'|'.join(SERVICES)} --tag VERSION"
        )
    try:
        TypeAdapter(Tag).validate_python(tag)
    except ValidationError as error:
        raise ArchiveError(f"--tag: {error.errors()[0]['ctx']['error']}") from None
    if not path.exists():
        raise ArchiveError(f"{path} isn't there")
    archive = examined(path)
    for says in archive.says:
        _check_says(path, says, wanted, known, tag)
    return ImageTarget(archive, known, tag)


def _check_says(path: Path, says: str, wanted: LoadOptions, service: Service, tag: str) -> None:
    """What the operator names counts; what only the file's name says must agree with what is in
    it: a service under another's name would run as that one."""
    inside, version = service_and_tag(says)
    wrong_service = wanted.service is None and inside in SERVICES and inside != service
    wrong_tag = wanted.tag is None and version[:1].isdigit() and version != tag
    if wrong_service or wrong_tag:
        raise ArchiveError(
            f"{path.name} says that it holds {says}: is it the wrong file? If it is meant as"
            f" {service}:{tag}, say so: --service {service} --tag {tag}"
        )


def kind_of(archive: Archive) -> str:
    """The kind of an archive, with what wraps it."""
    inside = "".join(f" (in {name})" for name in archive.chain)
    return f"{archive.kind}{inside}"
