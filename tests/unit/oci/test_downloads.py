"""An image out of a registry into an archive, and out of that again: it stays the same image."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
import requests

from oci import uploads
from oci.archives.content import Content, content_of
from oci.archives.examine import examined
from oci.downloads import download
from oci.errors import ArchiveError, RegistryError
from oci.loadable import write_oci
from oci.login import Login
from oci.manifest import Start
from oci.registry import RegistryClient
from tests.unit.oci.registries import PASSWORD, USER, FakeRegistry, fake_registry, image
from tests.unit.oci.tars import sha, tar_of, write


def client(server: FakeRegistry) -> RegistryClient:
    host = image(server).registry
    return RegistryClient(host, requests.Session(), Login(USER, PASSWORD), ("http",))


@pytest.fixture
def content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Content:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    path = write(tmp_path / "excs-1.tgz", gzip.compress(tar_of({"usr/data": b"much" * 1000})))
    return content_of(examined(path), Start(("/run",)), tmp_path)


def pushed(server: FakeRegistry, content: Content) -> None:
    uploads.push(client(server), image(server), content, 1000, lambda _: None, lambda: False)


@pytest.mark.parametrize("with_tokens", [False, True])
def test_an_image_keeps_its_digest_from_registry_to_archive_and_back(
    tmp_path: Path, content: Content, with_tokens: bool
) -> None:
    with fake_registry(with_tokens) as server:
        pushed(server, content)
        (tmp_path / "got").mkdir()
        got = download(client(server), image(server), tmp_path / "got", "amd64")
    assert (got.digest, got.image_id, got.starts) == (content.digest, content.image_id, ("/run",))
    written = []
    for name in ("first.tar", "second.tar"):
        with (tmp_path / name).open("wb") as file:
            write_oci(got, image(server), file, lambda _: None)
        written.append((tmp_path / name).read_bytes())
    assert written[0] == written[1]
    archive = examined(tmp_path / "first.tar")
    assert (archive.kind, content_of(archive, Start(), tmp_path).digest) == (
        "OCI archive", content.digest,
    )  # fmt: skip


def test_of_an_index_the_image_for_the_hosts_is_taken(tmp_path: Path, content: Content) -> None:
    with fake_registry() as server:
        pushed(server, content)
        own = server.manifests.pop("1")
        server.manifests[content.digest] = own
        platform = {"os": "linux", "architecture": "amd64"}
        index = {"manifests": [{"digest": content.digest, "platform": platform}]}
        server.manifests["1"] = json.dumps(index).encode()
        got = download(client(server), image(server), tmp_path, "amd64")
        assert got.digest == content.digest
        with pytest.raises(ArchiveError, match="no image for linux/arm64"):
            download(client(server), image(server), tmp_path, "arm64")


def test_what_is_not_there_or_not_what_it_says_is_refused(tmp_path: Path, content: Content) -> None:
    with fake_registry() as server:
        with pytest.raises(ArchiveError, match="the registry has no"):
            download(client(server), image(server), tmp_path, "amd64")
        pushed(server, content)
        layer = content.parts[0].described.digest
        good = server.blobs[layer]
        server.blobs[layer] = b"other"
        assert f"sha256:{sha(b'other')}" != layer
        with pytest.raises(ArchiveError, match="isn't what it says"):
            download(client(server), image(server), tmp_path, "amd64")
        del server.blobs[layer]
        with pytest.raises(RegistryError) as refused:
            download(client(server), image(server), tmp_path, "amd64")
        assert (refused.value.status, len(good) > 5) == (404, True)
