"""Each kind of archive that a vendor, a portal or a colleague may hand over: taken, or refused with
the sentence that says what it is."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from oci.archives.content import Content, content_of
from oci.archives.examine import examined, service_and_tag
from oci.errors import ArchiveError
from oci.loadable import write_loadable
from oci.manifest import Start
from oci.reference import ImageReference
from tests.unit.oci.tars import (
    config_of,
    crane,
    oci,
    saved,
    sha,
    skopeo,
    skopeo_directory,
    tar_of,
    unpacked_into,
    write,
    zip_of,
)

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

ROOT = {"./bin/run": b"#!", "./etc/passwd": b"root"}
LAYER = tar_of({"opt/exec/run": b"#!"})
PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "plain": lambda data: data,
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zstd": zstd.compress,
    "gzip twice": lambda data: gzip.compress(gzip.compress(data)),
}


def image(path: Path, start: Start | None = None, architecture: str = "amd64") -> Content:
    directory = path.parent / "work"
    directory.mkdir(exist_ok=True)
    return content_of(examined(path), start or Start(), directory, architecture)


def id_of(*layers: bytes) -> str:
    return f"sha256:{sha(config_of(*layers, Entrypoint=['/run']))}"


def layers_of(content: Content) -> list[bytes]:
    """Each layer in its order, unpacked."""
    by_digest = {part.described.digest: part for part in content.parts}
    found = []
    for layer in json.loads(content.manifest)["layers"]:
        with by_digest[layer["digest"]].open() as stream:
            data = stream.read()
        assert f"sha256:{sha(data)}" == layer["digest"]
        assert len(data) == layer["size"]
        found.append(gzip.decompress(data))
    return found


@pytest.mark.parametrize("packer", PACKERS)
def test_whatever_packs_a_root_file_system_gives_the_same_files(
    tmp_path: Path, packer: str
) -> None:
    tar = tar_of(ROOT)
    path = write(tmp_path / "excs-1.tgz", PACKERS[packer](tar))
    assert examined(path).kind == "root file system"
    assert layers_of(image(path)) == [tar]


@pytest.mark.parametrize("packer", PACKERS)
def test_whatever_packs_a_saved_image_keeps_its_id(tmp_path: Path, packer: str) -> None:
    path = write(tmp_path / "excs-1.tgz", PACKERS[packer](saved(LAYER)))
    assert image(path).image_id == id_of(LAYER)


@pytest.mark.parametrize("packer", [name for name in PACKERS if name != "plain"])
def test_a_packed_archive_that_was_cut_is_never_taken(tmp_path: Path, packer: str) -> None:
    whole = PACKERS[packer](tar_of({f"usr/{n}": bytes(range(256)) * 20 for n in range(20)}))
    for length in (len(whole) // 2, len(whole) - 1):
        with pytest.raises(ArchiveError, match="is damaged or truncated"):
            examined(write(tmp_path / "excs-1.tgz", whole[:length]))


@pytest.mark.parametrize("make", [saved, skopeo, crane], ids=["docker", "skopeo", "crane"])
def test_layers_are_found_by_the_manifest_whatever_they_are_called(
    tmp_path: Path, make: Callable[..., bytes]
) -> None:
    second = tar_of({"b": b"2"})
    found = image(write(tmp_path / "excs-1.tar", make(LAYER, second)))
    assert found.image_id == id_of(LAYER, second)
    assert layers_of(found) == [LAYER, second]


def test_docker_25_writes_an_oci_layout_with_a_manifest_and_both_are_one_image(
    tmp_path: Path,
) -> None:
    config = config_of(LAYER, Entrypoint=["/run"])
    layout = {f"blobs/sha256/{sha(data)}": data for data in (config, LAYER)}
    manifest = [
        {
            "Config": f"blobs/sha256/{sha(config)}",
            "RepoTags": ["excs:1"],
            "Layers": [f"blobs/sha256/{sha(LAYER)}"],
        }
    ]
    files = {"oci-layout": b"{}", "index.json": b'{"manifests":[]}', **layout}
    path = write(
        tmp_path / "excs-1.tar", tar_of({**files, "manifest.json": json.dumps(manifest).encode()})
    )
    assert examined(path).kind == "docker save archive"
    assert layers_of(image(path)) == [LAYER]


def test_skopeos_directory_keeps_its_digest(tmp_path: Path) -> None:
    files, manifest = skopeo_directory(LAYER)
    packed = image(write(tmp_path / "excs-1.tar", tar_of(files)))
    assert packed.digest == f"sha256:{sha(manifest)}"
    unpacked = image(unpacked_into(tmp_path / "excs-1", files))
    assert unpacked.digest == packed.digest


def test_an_unpacked_directory_is_taken_but_not_an_unpacked_root_file_system(
    tmp_path: Path,
) -> None:
    path = tmp_path / "excs-1"
    path.mkdir()
    with tarfile.open(fileobj=io.BytesIO(saved(LAYER, LAYER))) as tar:
        tar.extractall(path, filter="data")
    assert image(path).image_id == id_of(LAYER, LAYER)
    with pytest.raises(ArchiveError, match="in a directory, which keeps neither owners nor links"):
        examined(unpacked_into(tmp_path / "excs-2", {"bin/run": b"#!", "etc/passwd": b"root"}))


def test_a_zip_is_looked_into(tmp_path: Path) -> None:
    wrapped = zip_of({"excs-1.2/read me.txt": b"hello", "excs-1.2/excs-1.2.tgz": saved(LAYER)})
    path = write(tmp_path / "excs-1.2.zip", wrapped)
    assert examined(path).chain == ("excs-1.2/excs-1.2.tgz",)
    assert image(path).image_id == id_of(LAYER)
    with pytest.raises(ArchiveError, match="in a zip, which keeps neither owners nor links"):
        examined(write(tmp_path / "exas-1.zip", zip_of({"bin/run": b"", "etc/passwd": b""})))


def test_a_damaged_zip_is_refused(tmp_path: Path) -> None:
    data = bytearray(zip_of({"excs-1.tar": saved(LAYER)}))
    data[200] ^= 255
    with pytest.raises(ArchiveError, match="is damaged or truncated"):
        examined(write(tmp_path / "excs-1.zip", bytes(data)))


def test_an_encrypted_zip_is_refused(tmp_path: Path) -> None:
    data = bytearray(zip_of({"excs-1.tar": saved(LAYER)}))
    for magic, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(magic) + offset] |= 1
    with pytest.raises(ArchiveError, match="is encrypted: unpack it first"):
        examined(write(tmp_path / "excs-1.zip", bytes(data)))


def moved_into(folder: str, data: bytes) -> bytes:
    """The tar with all of its members in a folder."""
    written = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(data)) as before,
        tarfile.open(fileobj=written, mode="w") as after,
    ):
        for entry in before:
            content = before.extractfile(entry) if entry.isfile() else None
            entry.name = f"{folder}/{entry.name}"
            after.addfile(entry, content)
    return written.getvalue()


@pytest.mark.parametrize("folder", ["excs", "delivery/excs-1"])
def test_an_image_two_folders_deep_is_found(tmp_path: Path, folder: str) -> None:
    path = write(tmp_path / "excs-1.tgz", gzip.compress(moved_into(folder, saved(LAYER, LAYER))))
    assert examined(path).folder == f"{folder}/"
    assert image(path).image_id == id_of(LAYER, LAYER)
    data, manifest = oci(LAYER)
    layout = write(tmp_path / "excs-2.tar", moved_into(folder, data))
    assert image(layout).digest == f"sha256:{sha(manifest)}"


@pytest.mark.parametrize("folder", ["excs", "delivery/excs-1"])
def test_a_root_file_system_in_a_folder_says_how_to_pack_it(tmp_path: Path, folder: str) -> None:
    path = write(tmp_path / "excs-1.tgz", gzip.compress(tar_of({f"{folder}/bin/run": b"",
        f"{folder}/etc/passwd": b""})))  # fmt: skip
    with pytest.raises(ArchiveError, match=rf"in the folder {folder}/ .*tar -C {folder}/ -czf"):
        examined(path)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is an empty file"),
        (b"<html>404 not found</html>", "is a web page saved under this name"),
        (b"\xef\xbb\xbf\n<!DOCTYPE html><title>Sign in</title>" + bytes(600), "is a web page"),
        (gzip.compress(b"<html>404</html>", mtime=0), "is a web page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "is a text file, not an archive"),
        (b"7z\xbc\xaf\x27\x1c" + bytes(100), "is a 7z archive, not an image archive"),
        (b"\x7fELF" + bytes(600), "is a program"),
        (bytes(range(256)) * 4, "is damaged or truncated"),
        (tar_of({"README": b"", "docs/a": b""}), "at its top: README, docs"),
        (tar_of({"repositories": b"{}", "0/layer.tar": b"", "0/json": b""}), "older than 1.10"),
        (tar_of({"a/excs-1.tar": b"", "a/exas-1.tar": b""}), "holds 2 archives"),
    ],
)
def test_what_is_no_archive_of_an_image_is_called_what_it_is(
    tmp_path: Path, data: bytes, words: str
) -> None:
    with pytest.raises(ArchiveError, match=words):
        examined(write(tmp_path / "excs-1.tgz", data))


@pytest.mark.parametrize("packer", ["plain", "gzip", "zstd"])
def test_a_header_that_claims_20_gb_is_a_cut_archive_at_once(tmp_path: Path, packer: str) -> None:
    entry = tarfile.TarInfo("usr/huge")
    entry.size = 20 << 30
    tar = tar_of(ROOT).rstrip(b"\0") + bytes(512)
    tar = tar[: -(len(tar) % 512) or None] + entry.tobuf(tarfile.GNU_FORMAT) + bytes(2048)
    with pytest.raises(ArchiveError, match=r"usr/huge is to have 21474\.8 MB, but .* ends after"):
        examined(write(tmp_path / "excs-1.tgz", PACKERS[packer](tar)))


def test_a_damaged_header_in_the_middle_is_not_taken_for_the_end(tmp_path: Path) -> None:
    tar = bytearray(tar_of({"bin/a": b"1", "bin/b": b"2", "bin/c": b"3"}))
    tar[1024 + 5] ^= 1
    with pytest.raises(ArchiveError, match="what follows bin/a isn't a tar"):
        examined(write(tmp_path / "excs-1.tgz", gzip.compress(bytes(tar))))


def test_an_image_for_other_hosts_is_refused_before_anything_is_pushed(tmp_path: Path) -> None:
    path = write(tmp_path / "excs-1.tar", saved(LAYER, architecture="arm64"))
    with pytest.raises(ArchiveError, match=r"for linux/arm64, and the hosts are linux/amd64"):
        image(path)
    assert image(path, architecture="arm64").architecture == "arm64"
    windows = write(tmp_path / "exas-1.tar", saved(LAYER, os="windows"))
    with pytest.raises(ArchiveError, match="for windows/amd64"):
        image(windows)


def test_of_an_image_for_several_architectures_the_hosts_own_is_taken(tmp_path: Path) -> None:
    data, _ = oci(LAYER, architectures=("arm64", "amd64"))
    path = write(tmp_path / "excs-1.tar", data)
    assert image(path).architecture == "amd64"
    assert image(path, architecture="arm64").architecture == "arm64"
    with pytest.raises(ArchiveError, match="holds 2 images, 0 of them for s390x"):
        image(path, architecture="s390x")


def test_layers_packed_by_zstd_are_packed_again_for_older_dockers(tmp_path: Path) -> None:
    data, _ = oci(LAYER, packer=zstd.compress, suffix="zstd")
    found = image(write(tmp_path / "excs-1.tar", data))
    assert layers_of(found) == [LAYER]
    assert found.media_type == "application/vnd.docker.distribution.manifest.v2+json"


def test_a_link_that_leads_in_a_circle_is_refused(tmp_path: Path) -> None:
    config = config_of(LAYER)
    manifest = [{"Config": "c.json", "RepoTags": [], "Layers": ["a.tar"]}]
    files = {"manifest.json": json.dumps(manifest).encode(), "c.json": config}
    path = write(tmp_path / "excs-1.tar", tar_of(files, {"a.tar": "b.tar", "b.tar": "a.tar"}))
    with pytest.raises(ArchiveError, match="is missing"):
        image(path)


@pytest.mark.parametrize(
    ("says", "found"),
    [
        ("excs-100.0.100.11.tgz", ("excs", "100.0.100.11")),
        ("r.example.com:5000/exec/excs:1.2", ("excs", "1.2")),
        ("excs:1", ("excs", "1")),
        ("1.2", ("1.2", "")),
        ("<none>", ("", "")),
    ],
)
def test_what_an_archive_calls_its_image(says: str, found: tuple[str, str]) -> None:
    assert service_and_tag(says) == found


def test_what_docker_load_is_given_is_read_back_as_the_same_image(tmp_path: Path) -> None:
    """By both readers: the classic store's manifest.json, and containerd's OCI layout."""
    content = image(write(tmp_path / "excs-1.tar", saved(LAYER, tar_of({"b": b"2"}), LAYER)))
    told: list[int] = []
    written = io.BytesIO()
    name = ImageReference.parse("no-registry.invalid/exec/excs:1")
    write_loadable(content, name, written, told.append)
    again = write(tmp_path / "excs-2.tar", written.getvalue())
    assert examined(again).says == (str(name),)
    assert image(again).image_id == content.image_id
    with tarfile.open(again) as tar:
        data = {entry.name: tar.extractfile(entry) for entry in tar}
        rest = {n: f.read() for n, f in data.items() if f is not None and n != "manifest.json"}
    as_layout = image(write(tmp_path / "excs-3.tar", tar_of(rest)))
    assert as_layout.digest == content.digest
    assert sum(told) == content.size
