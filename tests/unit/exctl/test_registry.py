"""Pushing to a registry: logins, cut uploads, and what its refusals are called.

The registry is one of this process; Docker's own, its disk and its daemon are in tests/lab.
"""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest
import requests

from exctl.images import uploads
from exctl.images.archive import examined
from exctl.images.content import Content, content_of
from exctl.images.manifest import Start
from exctl.images.registry import Registry, RegistryError, refusal, unreachable
from tests.unit.exctl.registries import PASSWORD, USER, FakeRegistry, fake_registry
from tests.unit.exctl.tars import tar_of, write

CHUNK = 1000


@pytest.fixture
def content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Content:
    """An image of some 5 kB; nothing of a push is kept outside the test's directory."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    tar = tar_of({"usr/data": os.urandom(5000)})
    path = write(tmp_path / "excs-1.tgz", gzip.compress(tar))
    return content_of(examined(path), Start(("/run",)), tmp_path)


def client(server: FakeRegistry, password: str = PASSWORD) -> Registry:
    return Registry(server.repository, USER, password, insecure=True)


def push(server: FakeRegistry, content: Content) -> tuple[uploads.Pushed, int]:
    """What was pushed, and the sum of what the progress was told."""
    told: list[int] = []
    found = uploads.push(client(server), "excs", "1", content, CHUNK, told.append)
    return found, sum(told)


@pytest.mark.parametrize("with_tokens", [False, True])
def test_an_image_is_pushed_with_a_password_or_a_token(content: Content, with_tokens: bool) -> None:
    with fake_registry(with_tokens) as server:
        pushed, told = push(server, content)
        assert server.manifests["1"] == content.manifest
        assert {len(b) for b in server.blobs.values()} == {
            part.described.size for part in content.parts
        }
        assert (pushed.sent, pushed.there) == (content.size, 0)
        assert told == content.size
        again, _ = push(server, content)
        assert (again.sent, again.there) == (0, content.size)


def test_a_wrong_password_is_said_and_not_shown(content: Content) -> None:
    with fake_registry() as server, pytest.raises(RegistryError) as refused:
        client(server, "a-wrong-one").tags("excs")
    assert "answers 401" in str(refused.value)
    assert "registryPassword" in str(refused.value)
    assert "a-wrong-one" not in str(refused.value)


def test_a_connection_that_is_cut_goes_on_from_the_last_chunk(content: Content) -> None:
    with fake_registry() as server:
        server.cut_after = 3
        _, told = push(server, content)
        assert told == content.size
        assert server.seen.count("POST") == 2  # one for each part: none was begun anew
        assert server.manifests["1"] == content.manifest


def test_a_run_that_was_cut_goes_on_in_the_next(
    content: Content, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "TRIES", 1)
    with fake_registry() as server:
        server.cut_after = 3
        with pytest.raises(RegistryError, match="the connection was cut"):
            push(server, content)
        assert not server.manifests
        pushed, told = push(server, content)
        assert pushed.there == 2 * CHUNK
        assert told == content.size


def test_an_upload_that_the_registry_forgot_begins_anew(
    content: Content, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "TRIES", 1)
    with fake_registry() as server:
        server.cut_after = 3
        with pytest.raises(RegistryError):
            push(server, content)
        server.uploads.clear()
        pushed, _ = push(server, content)
        assert pushed.there == 0
        assert server.manifests["1"] == content.manifest


def test_a_refused_chunk_says_how_large_it_was(content: Content) -> None:
    with fake_registry() as server:
        server.refuse["PATCH"] = 413
        with pytest.raises(RegistryError, match=r"takes no request of 0\.0 MB.*--chunk-mib"):
            push(server, content)
        assert not server.manifests


def test_all_pages_of_tags_are_read(content: Content) -> None:
    with fake_registry() as server:
        server.manifests = {str(n): b"{}" for n in range(5)}
        assert client(server).tags("excs") == ["0", "1", "2", "3", "4"]


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (401, "user or password is wrong"),
        (403, "the right to push and pull"),
        (404, "registry.repository in the stack file"),
        (413, "takes no request of 8.0 MB"),
        (500, "a full disk is the most frequent one"),
        (507, "its disk is full"),
    ],
)
def test_each_refusal_says_what_to_do(status: int, words: str) -> None:
    text = refusal("r:5000", status, "DENIED no", 8_000_000)
    assert text.startswith(f"the registry r:5000 answers {status} (DENIED no): ")
    assert words in text


def test_a_registry_without_tls_is_told_from_one_that_is_away() -> None:
    spoken = requests.exceptions.SSLError("[SSL: WRONG_VERSION_NUMBER] wrong version number")
    assert "registry.insecure: true" in unreachable("https://r", spoken, False)
    other = requests.exceptions.SSLError("certificate verify failed")
    assert "REQUESTS_CA_BUNDLE" in unreachable("https://r", other, False)
    refused = requests.exceptions.ConnectionError("[Errno 111] Connection refused")
    assert unreachable("https://r", refused, False) == (
        "https://r can't be reached: connection refused. If only the EXEC hosts can reach it, go"
        " through one of them: --via HOST."
    )
    assert unreachable("https://r", refused, True) == (
        "https://r can't be reached from that host: connection refused."
    )
