"""What an archive is, whether it is whole, and the image that becomes of it.

That a registry and a Docker daemon take such an image is a story in tests/lab.
"""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from oci.archives.content import Content, content_of, needs_bytes
from oci.archives.examine import examined, named
from oci.errors import ArchiveError
from oci.manifest import (
    CONFIG_TYPE,
    LAYER_TYPE,
    Descriptor,
    Start,
    digest_of,
    docker_manifest,
    words_of,
)
from tests.unit.oci.tars import config_of, oci, saved, sha, tar_of, write

ROOT = {"./bin/run": b"#!", "./etc/passwd": b"root"}
PUSHED_BY_DOCKER = """{
   "schemaVersion": 2,
   "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
   "config": {
      "mediaType": "application/vnd.docker.container.image.v1+json",
      "size": 942,
      "digest": "sha256:06b1293f85cfae4fdc7e158b0118ae8c18a5d12326bffabf285b4dd80e3ca1ea"
   },
   "layers": [
      {
         "mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip",
         "size": 28894834,
         "digest": "sha256:bfc90ae4f4a24d4c6872b079b7cf34f0c61b45e4f5ab2c9212fdd2dd1bfe19c0"
      }
   ]
}"""
"""Recorded: what Docker 20.10 pushed after a `docker import`, and its registry's digest of it."""
DIGEST_OF_IT = "sha256:5d3e7611cb042e3b26589edd21adbba77fb65e069b337e2dfb2616b93dca1628"


def image(path: Path, start: Start | None = None) -> Content:
    directory = path.parent / "work"
    directory.mkdir(exist_ok=True)
    return content_of(examined(path), start or Start(), directory)


def test_a_manifest_is_byte_for_byte_what_docker_pushes() -> None:
    parts = json.loads(PUSHED_BY_DOCKER)
    config = Descriptor(CONFIG_TYPE, parts["config"]["size"], parts["config"]["digest"])
    layer = parts["layers"][0]
    written = docker_manifest(config, [Descriptor(LAYER_TYPE, layer["size"], layer["digest"])])
    assert written.decode() == PUSHED_BY_DOCKER
    assert digest_of(written) == DIGEST_OF_IT


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("excs-100.0.100.11.tgz", ("excs", "100.0.100.11")),
        ("exas-100.0.100.11.tar.gz", ("exas", "100.0.100.11")),
        ("excp-100.0.100.11-rc1.tar", ("excp", "100.0.100.11-rc1")),
        ("exop-100.0.100.11.tgz", ("exop", "100.0.100.11")),
        ("excs.tgz", None),
        ("excs-100.0.100.11.zip", ("excs", "100.0.100.11")),
        ("excs-100.0.100.11", ("excs", "100.0.100.11")),
    ],
)
def test_service_and_version_are_in_the_name(name: str, found: tuple[str, str] | None) -> None:
    assert named(Path(name)) == found


def test_a_compressed_root_file_system_is_a_layer_as_it_stands(tmp_path: Path) -> None:
    tar = tar_of(ROOT)
    path = write(tmp_path / "excs-1.tgz", gzip.compress(tar))
    archive = examined(path)
    assert archive.kind == "root file system"
    assert needs_bytes(archive) == 0
    layer, config = image(path, Start(("/bin/run",), ("-x",), ("A=1",), "/opt", "exec")).parts
    assert layer.described.digest == f"sha256:{sha(path.read_bytes())}"
    assert layer.path == path
    said = json.loads(config.data)
    assert said["rootfs"]["diff_ids"] == [f"sha256:{sha(tar)}"]
    assert said["config"] == {
        "Entrypoint": ["/bin/run"],
        "Cmd": ["-x"],
        "Env": ["A=1"],
        "WorkingDir": "/opt",
        "User": "exec",
    }
    assert said["created"] == "2023-11-14T22:13:20Z"


def test_a_root_file_system_says_nothing_of_how_it_starts(tmp_path: Path) -> None:
    path = write(tmp_path / "excs-1.tgz", gzip.compress(tar_of(ROOT)))
    assert image(path).starts == ()
    assert image(path, Start(("/bin/run",))).starts == ("/bin/run",)


@pytest.mark.parametrize("outer", ["plain", "packed"])
@pytest.mark.parametrize("inner", ["plain", "packed"])
def test_a_tar_that_is_only_wrapped_is_looked_into(tmp_path: Path, outer: str, inner: str) -> None:
    tar = tar_of(ROOT)
    inside = gzip.compress(tar) if inner == "packed" else tar
    wrapped = tar_of({"excs/README": b"read me", "excs/excs.tar": inside})
    path = write(tmp_path / "excs-1.tgz", gzip.compress(wrapped) if outer == "packed" else wrapped)
    archive = examined(path)
    assert archive.chain == ("excs/excs.tar",)
    layer, config = image(path).parts
    assert json.loads(config.data)["rootfs"]["diff_ids"] == [f"sha256:{sha(tar)}"]
    assert layer.path is not None
    assert gzip.decompress(layer.path.read_bytes()) == tar


def test_a_saved_image_keeps_its_config_and_so_its_id_and_entry_point(tmp_path: Path) -> None:
    one, two = tar_of({"a": b"1"}), tar_of({"b": b"2"})
    path = write(tmp_path / "excs-1.tgz", gzip.compress(saved(one, two, one)))
    assert examined(path).kind == "docker save archive"
    found = image(path)
    assert found.starts == ("/run",)
    assert found.image_id == f"sha256:{sha(config_of(one, two, one, Entrypoint=['/run']))}"
    layers = json.loads(found.manifest)["layers"]
    assert layers[0]["digest"] == layers[2]["digest"]
    assert len(found.parts) == 3


def test_a_saved_image_inside_a_tgz_is_found(tmp_path: Path) -> None:
    layer = tar_of({"a": b"1"})
    path = write(tmp_path / "excs-1.tgz", gzip.compress(tar_of({"excs.tar": saved(layer)})))
    archive = examined(path)
    assert (archive.kind, archive.chain) == ("docker save archive", ("excs.tar",))
    assert image(path).starts == ("/run",)


def test_an_oci_archive_keeps_its_digest(tmp_path: Path) -> None:
    data, manifest = oci(tar_of(ROOT))
    found = image(write(tmp_path / "excs-1.tar", data))
    assert found.digest == f"sha256:{sha(manifest)}"
    assert found.starts == ("/run",)


def test_a_layer_that_is_not_what_its_config_says_is_refused(tmp_path: Path) -> None:
    tampered = saved(tar_of({"a": b"1"})).replace(tar_of({"a": b"1"}), tar_of({"a": b"2"}))
    with pytest.raises(ArchiveError, match="a layer isn't what the config says"):
        image(write(tmp_path / "excs-1.tar", tampered))


def test_what_a_saved_image_starts_is_not_overridden(tmp_path: Path) -> None:
    path = write(tmp_path / "excs-1.tar", saved(tar_of(ROOT)))
    with pytest.raises(ArchiveError, match="says itself how it starts"):
        image(path, Start(("/other",)))


def test_an_archive_of_two_images_is_refused(tmp_path: Path) -> None:
    manifest = json.dumps(
        [{"Config": "c", "RepoTags": [t], "Layers": []} for t in ("excs:1", "exas:1")]
    )
    path = write(tmp_path / "excs-1.tar", tar_of({"manifest.json": manifest.encode()}))
    with pytest.raises(ArchiveError, match=r"holds 2 images \(excs:1, exas:1\)"):
        examined(path)


def test_an_empty_archive_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="is empty"):
        examined(write(tmp_path / "excs-1.tar", tar_of({})))


def test_a_file_that_is_no_archive_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="is a web page"):
        examined(write(tmp_path / "excs-1.tgz", b"<html>404 not found</html>" * 100))


names = some.text("abcdefghij", min_size=1, max_size=8)
trees = some.dictionaries(names.map("usr/{}".format), some.binary(max_size=3000), min_size=1)
FILES = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@FILES
@given(trees, some.booleans())
def test_every_root_file_system_gives_the_same_image_each_time(
    tmp_path: Path, files: dict[str, bytes], is_packed: bool
) -> None:
    tar = tar_of(files)
    path = write(tmp_path / "excs-1.tgz", gzip.compress(tar) if is_packed else tar)
    first, second = image(path, Start(("/x",))), image(path, Start(("/x",)))
    assert first.digest == second.digest
    config = json.loads(first.parts[-1].data)
    assert config["rootfs"]["diff_ids"] == [f"sha256:{sha(tar)}"]
    layer = first.parts[0]
    with layer.open() as stream:
        data = stream.read()
    assert (len(data), f"sha256:{sha(data)}") == (layer.described.size, layer.described.digest)
    assert gzip.decompress(data) == tar


@FILES
@given(trees, some.booleans(), some.data())
def test_an_archive_that_was_cut_is_never_taken(
    tmp_path: Path, files: dict[str, bytes], is_packed: bool, data: some.DataObject
) -> None:
    tar = tar_of(files)
    whole = gzip.compress(tar) if is_packed else tar.rstrip(b"\0") + bytes(1024)
    end = len(whole) if is_packed else len(tar.rstrip(b"\0"))
    cut = whole[: data.draw(some.integers(1, end - 1))]
    with pytest.raises(ArchiveError):
        examined(write(tmp_path / "excs-1.tgz", cut))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('["/usr/bin/python3", "-m", "a b"]', ("/usr/bin/python3", "-m", "a b")),
        ("/usr/bin/python3 -m 'a b'", ("/usr/bin/python3", "-m", "a b")),
    ],
)
def test_an_entry_point_is_words_or_a_list(text: str, words: tuple[str, ...]) -> None:
    assert words_of(text) == words
