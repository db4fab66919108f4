"""What the vendor ships: which kind of archive it is, and whether it is whole.

An archive is read as a stream from its beginning to its end, never unpacked: the end of a packed
stream holds a checksum of all before it, so a download that was cut is found before anything is
pushed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from oci.archives.members import Member, Source, TarSource, source_at
from oci.archives.streams import BLOCK, BROKEN
from oci.errors import ArchiveError
from oci.reference import parsed

Kind = Literal["root file system", "docker save archive", "OCI archive", "skopeo directory"]
TEXT_LIMIT_BYTES = 4 << 20
"""Chosen: the largest manifest or config in use has some 100 kB; registries take 4 MB."""
FOLDERS_AT_MOST = 2
"""Chosen: how deep an image may lie in folders, as packers of web portals wrap it."""
WRAPPED_AT_MOST = 2
_TAR_NAME = re.compile(r"\.(tar|tgz|tbz2|txz|tzst|tar\.(gz|bz2|xz|zst))$")
_NAME = re.compile(
    r"(?P<service>[a-z]+)-(?P<tag>[0-9][A-Za-z0-9._-]*?)"
    r"(\.(?:tgz|tbz2|txz|tzst|tar\.gz|tar\.bz2|tar\.xz|tar\.zst|tar|zip))?"
)
_ROOTS = {
    "app", "bin", "dev", "etc", "home", "lib", "lib64", "opt", "proc", "root", "run", "sbin",
    "srv", "sys", "tmp", "usr", "var",
}  # fmt: skip
_INDEXES = ("manifest.json", "index.json", "oci-layout")
_OLD = "repositories"
"""The index of a Docker older than 1.10, which later ones write besides."""


def named(path: Path) -> tuple[str, str] | None:
    """Service and version by the file's name, as the vendor names it: `excs-100.0.100.11.tgz`."""
    found = _NAME.fullmatch(path.name)
    return (found["service"], found["tag"]) if found else None


@dataclass(frozen=True)
class Archive:
    """An archive that was read to its end.

    `chain` names the archives inside it that lead to the image, `folder` the folder there (with
    its slash, or empty). `layer` is the file's own digest and size where it is a layer as it
    stands: one file system, packed with gzip alone. `tar_size` is the image's, unpacked.
    """

    path: Path
    kind: Kind
    chain: tuple[str, ...] = ()
    folder: str = ""
    layer: tuple[str, int] | None = None
    tar_digest: str = ""
    tar_size: int = 0
    modified: float = 0.0
    texts: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    """The archive's own indexes, by name."""
    files: frozenset[str] = field(default=frozenset(), repr=False)
    links: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Of an archive by `docker save`: its files, and where its links lead; all in its folder."""

    @property
    def says(self) -> tuple[str, ...]:
        """The names that it gives its image: tags it was saved under, and of archives inside."""
        found: list[object] = [name.rpartition("/")[2] for name in self.chain]
        if self.kind == "docker save archive":
            found += json.loads(self.texts["manifest.json"])[0].get("RepoTags") or []
        elif self.kind == "OCI archive":
            for each in json.loads(self.texts["index.json"]).get("manifests") or []:
                notes = each.get("annotations") or {}
                full = notes.get("io.containerd.image.name")
                found.append(full or notes.get("org.opencontainers.image.ref.name"))
        return tuple(dict.fromkeys(str(name) for name in found if name))


def service_and_tag(says: str) -> tuple[str, str]:
    """The service and version that one of these names means; empty for what it doesn't tell."""
    if by_file := named(Path(says)):
        return by_file
    if reference := parsed(says):
        return reference.name, reference.tag or ""
    return "", ""


def examined(path: Path, chain: tuple[str, ...] = ()) -> Archive:
    """The archive, or the one inside it that `chain` leads to, read once to its end, and once more
    for each archive that wraps it.

    Raises ArchiveError if it's damaged, cut, or nothing that holds one image.
    """
    try:
        return _examined(path, chain)
    except BROKEN as error:
        words = str(error).rstrip(".") or "it is truncated"
        raise ArchiveError(
            f"{path.name} is damaged or truncated: {words}. Download it again and compare its size"
            " with the vendor's"
        ) from None
    except OSError as error:
        raise ArchiveError(f"{path} can't be read: {error.strerror or error}") from None


@dataclass
class _Contents:
    """What a look at an archive's members found."""

    entries: dict[str, set[str]] = field(default_factory=dict)
    """Folder (with its slash, empty for the top) → what is directly in it."""
    tars: list[str] = field(default_factory=list)
    texts: dict[str, bytes] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    modified: float = 0.0

    def take(self, member: Member) -> None:
        name = member.name
        self.modified = max(self.modified, member.modified)
        parts = name.split("/")
        for depth in range(min(len(parts), FOLDERS_AT_MOST + 2)):
            folder = "".join(f"{part}/" for part in parts[:depth])
            if parts[depth]:
                self.entries.setdefault(folder, set()).add(parts[depth])
        if member.link is not None:
            self.links[name] = member.link
        if not member.is_file:
            return
        self.sizes[name] = member.size
        if (
            _TAR_NAME.search(name)
            and parts[-1] != "layer.tar"
            and len(parts) <= FOLDERS_AT_MOST + 1
        ):
            self.tars.append(name)
        if parts[-1] in (*_INDEXES, _OLD) and len(parts) <= FOLDERS_AT_MOST + 1:
            if member.size > TEXT_LIMIT_BYTES:
                self.texts[name] = b""
            else:
                with member.opened() as content:
                    self.texts[name] = content.read()


def _examined(path: Path, chain: tuple[str, ...]) -> Archive:
    contents = _Contents()
    with source_at(path, chain) as source:
        for member in source.members():
            contents.take(member)
        if not isinstance(source, TarSource):
            _check_all(source)
    kind, folder, inside = _kind(path, contents, source)
    if inside is not None:
        if len(chain) == WRAPPED_AT_MOST:
            raise ArchiveError(f"{path.name} wraps {inside} too often: unpack it")
        return _examined(path, (*chain, inside))
    tar = source if isinstance(source, TarSource) else None
    is_layer = kind == "root file system" and not chain and list(source.packings) == ["gzip"]
    is_saved = kind == "docker save archive"
    own = {
        name.removeprefix(folder): data
        for name, data in contents.texts.items()
        if name.startswith(folder)
    }
    return Archive(
        path,
        kind,
        chain,
        folder,
        layer=(tar.packed.digest, tar.packed.size) if tar and is_layer else None,
        tar_digest=tar.tar.digest if tar else "",
        tar_size=tar.tar.size if tar else sum(contents.sizes.values()),
        modified=contents.modified,
        texts=own,
        files=frozenset(n.removeprefix(folder) for n in contents.sizes)
        if is_saved
        else frozenset(),
        links={
            n.removeprefix(folder): to.removeprefix(folder)
            for n, to in (contents.links.items() if is_saved else ())
        },
    )


def _check_all(source: Source) -> None:
    """Reads a zip to its end, for its checksums."""
    if source.wrapping == "zip":
        for member in source.members():
            if member.is_file:
                with member.opened() as content:
                    while content.read(BLOCK):
                        pass


def _kind(path: Path, contents: _Contents, source: Source) -> tuple[Kind, str, str | None]:
    """The kind, the folder that it is in, and the member that is to be looked into instead, if
    there is one."""
    for folder in sorted(_folders(contents), key=lambda each: each.count("/")):
        texts = {
            n: _json(contents.texts[folder + n]) for n in _INDEXES if folder + n in contents.texts
        }
        manifest = texts.get("manifest.json")
        if isinstance(manifest, list) and manifest and all(_is_saved(m) for m in manifest):
            _check_one(path, manifest)
            return "docker save archive", folder, None
        if "oci-layout" in texts and isinstance(texts.get("index.json"), dict):
            return "OCI archive", folder, None
        if isinstance(manifest, dict) and {"config", "layers"} <= manifest.keys():
            return "skopeo directory", folder, None
    tops = contents.entries.get("", set())
    if tops & _ROOTS:
        if source.wrapping != "tar":
            raise ArchiveError(
                f"{path.name} is a root file system in a {source.wrapping}, which keeps neither"
                " owners nor links: load the vendor's own archive"
            )
        return "root file system", "", None
    if len(contents.tars) > 1:
        raise ArchiveError(
            f"{path.name} holds {len(contents.tars)} archives ({', '.join(contents.tars)}): unpack"
            " it, and load the one that is meant"
        )
    if contents.tars:
        return "root file system", "", contents.tars[0]
    raise ArchiveError(_nothing_in(path, contents))


def _folders(contents: _Contents) -> set[str]:
    return {name.rpartition("/")[0] + "/" * ("/" in name) for name in contents.texts}


def _nothing_in(path: Path, contents: _Contents) -> str:
    tops = contents.entries.get("", set())
    if not tops:
        return f"{path.name} is empty"
    for folder, names in contents.entries.items():
        if folder and len(names & _ROOTS) > 1:
            return (
                f"{path.name} has its root file system in the folder {folder} instead of at its"
                f" top: unpack it, and pack what is in there (tar -C {folder} -czf {path.name} .)"
            )
    if any(name.rpartition("/")[2] == _OLD for name in contents.texts):
        return (
            f"{path.name} was saved by a Docker older than 1.10, whose archives can't be read"
            f" any more: load it there, and save it with a newer one"
        )
    some = ", ".join(sorted(tops)[:5])
    return f"{path.name} holds neither an image nor a root file system; at its top: {some}"


def _is_saved(described: object) -> bool:
    return isinstance(described, dict) and {"Config", "Layers"} <= described.keys()


def _check_one(path: Path, manifest: Sequence[Mapping[str, Any]]) -> None:
    if len(manifest) != 1:
        tags = [str(tag) for image in manifest for tag in image.get("RepoTags") or ["?"]]
        raise ArchiveError(
            f"{path.name} holds {len(manifest)} images ({', '.join(tags)}): make an archive of each"
            " (docker save IMAGE)"
        )


def _json(data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None
