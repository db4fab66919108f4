"""Pushing to a registry: logins, interrupted uploads, and what its refusals are called.

The registry is one of this process; Docker's own, its disk and its daemon are in tests/lab.
"""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest
import requests

from exctl.images.wording import sentence
from oci import uploads
from oci.archives.content import Content, content_of
from oci.archives.examine import examined
from oci.errors import Problem, RegistryError
from oci.login import Login
from oci.manifest import Start
from oci.registry import RegistryClient
from tests.unit.oci.registries import PASSWORD, USER, FakeRegistry, fake_registry, image
from tests.unit.oci.tars import tar_of, write

CHUNK = 1000


@pytest.fixture
def content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Content:
    """An image of some 5 kB; nothing of a push is kept outside the test's directory."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    tar = tar_of({"usr/data": os.urandom(5000)})
    path = write(tmp_path / "excs-1.tgz", gzip.compress(tar))
    return content_of(examined(path), Start(("/run",)), tmp_path)


def client(server: FakeRegistry, password: str | None = PASSWORD) -> RegistryClient:
    login = Login(USER, password) if password is not None else None
    return RegistryClient(image(server).registry, requests.Session(), login, ("http",))


def push(
    server: FakeRegistry, content: Content, tries: int = uploads.TRIES
) -> tuple[uploads.Pushed, int]:
    """What was pushed, and the sum of what the progress was told."""
    told: list[int] = []
    found = uploads.push(client(server), image(server), content, CHUNK, told.append, tries=tries)
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


@pytest.mark.parametrize("with_tokens", [False, True])
def test_a_wrong_password_is_said_and_not_shown(content: Content, with_tokens: bool) -> None:
    with fake_registry(with_tokens) as server, pytest.raises(RegistryError) as refused:
        client(server, "a-wrong-one").tags(image(server))
    said = sentence(refused.value)
    assert "answers 401" in said
    assert "registryPassword" in said
    assert "a-wrong-one" not in said + str(refused.value)


def test_a_connection_that_is_cut_goes_on_from_the_last_chunk(content: Content) -> None:
    with fake_registry() as server:
        server.cut_after = 3
        _, told = push(server, content)
        assert told == content.size
        assert server.seen.count("POST") == 2  # one for each part: none was restarted
        assert server.manifests["1"] == content.manifest


def test_a_run_that_was_cut_goes_on_in_the_next(content: Content) -> None:
    with fake_registry() as server:
        server.cut_after = 3
        with pytest.raises(RegistryError) as cut:
            push(server, content, tries=1)
        assert cut.value.problem == "cut"
        assert not server.manifests
        pushed, told = push(server, content)
        assert pushed.there == 2 * CHUNK
        assert told == content.size


def test_an_upload_that_the_registry_forgot_starts_over(content: Content) -> None:
    with fake_registry() as server:
        server.cut_after = 3
        with pytest.raises(RegistryError):
            push(server, content, tries=1)
        server.uploads.clear()
        pushed, _ = push(server, content)
        assert pushed.there == 0
        assert server.manifests["1"] == content.manifest


def test_a_refused_chunk_says_how_large_it_was(content: Content) -> None:
    with fake_registry() as server:
        server.refuse["PATCH"] = 413
        with pytest.raises(RegistryError) as refused:
            push(server, content)
        assert "accepts no request of 0.0 MB" in sentence(refused.value)
        assert "--chunk-mib" in sentence(refused.value)
        assert not server.manifests


def test_all_pages_of_tags_are_read(content: Content) -> None:
    with fake_registry() as server:
        server.manifests = {str(n): b"{}" for n in range(5)}
        assert client(server).tags(image(server)) == ["0", "1", "2", "3", "4"]


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (401, "user or password is wrong"),
        (403, "the right to push and pull"),
        (404, "registry.repository in the stack file"),
        (413, "accepts no request of 8.0 MB"),
        (500, "most often a full disk"),
        (507, "its disk is full"),
    ],
)
def test_each_refusal_says_what_to_do(status: int, words: str) -> None:
    error = RegistryError(
        "answered", "r:5000", status=status, said="DENIED no", sent_bytes=8_000_000
    )
    text = sentence(error)
    assert text.startswith(f"the registry r:5000 answers {status} (DENIED no): ")
    assert words in text


@pytest.mark.parametrize(
    ("problem", "words"),
    [
        ("no TLS", "registry.insecure: true"),
        ("not trusted", "REQUESTS_CA_BUNDLE"),
        ("refused", "connection refused. If only the EXEC hosts can reach it"),
        ("unresolved", "its name can't be resolved"),
        ("insecure login", "it was not sent"),
    ],
)
def test_a_registry_that_does_not_answer_is_told_from_one_that_is_not_trusted(
    problem: Problem, words: str
) -> None:
    assert words in sentence(RegistryError(problem, "https://r"))


def test_from_a_host_no_other_host_is_suggested() -> None:
    error = RegistryError("refused", "https://r")
    assert sentence(error, True) == (
        "https://r can't be reached from that host: connection refused."
    )


def test_a_registry_without_tls_or_without_anybody_is_known_by_its_kind() -> None:
    with fake_registry() as server:
        host = image(server).registry
        with pytest.raises(RegistryError) as spoken:
            RegistryClient(host, requests.Session()).log_in()
        assert spoken.value.problem == "no TLS"
        # As Docker does for its insecure registries: TLS first, then without.
        RegistryClient(host, requests.Session(), Login(USER, PASSWORD), ("https", "http")).log_in()
    with pytest.raises(RegistryError) as gone:
        RegistryClient(host, requests.Session(), None, ("http",)).log_in()
    assert (gone.value.problem, gone.value.status) == ("refused", 0)


@pytest.mark.parametrize("first", ["Basic", "Bearer"])
def test_of_several_challenges_the_token_is_taken_in_any_order(
    content: Content, first: str
) -> None:
    with fake_registry(with_tokens=True) as server:
        server.offers_basic = first
        push(server, content)
        assert server.manifests["1"] == content.manifest


def test_anybody_may_pull_with_a_token_for_nobody() -> None:
    with fake_registry(with_tokens=True) as server:
        server.takes_anybody = True
        server.manifests["1"] = b"{}"
        assert client(server, None).tags(image(server)) == ["1"]


def test_an_identity_token_is_exchanged_for_one() -> None:
    with fake_registry(with_tokens=True) as server:
        server.manifests["1"] = b"{}"
        login = Login("<token>", PASSWORD, is_identity_token=True)
        registry = RegistryClient(image(server).registry, requests.Session(), login, ("http",))
        assert registry.tags(image(server)) == ["1"]


def test_a_password_is_never_sent_to_a_place_without_tls() -> None:
    registry = RegistryClient("r.example.com", requests.Session(), Login(USER, PASSWORD))
    with pytest.raises(RegistryError) as refused:
        registry._token({"realm": "http://elsewhere/token"})
    assert refused.value.problem == "insecure login"


def test_letters_beyond_latin_1_are_a_password_too(content: Content) -> None:
    with fake_registry() as server, pytest.raises(RegistryError) as refused:
        client(server, "пароль").tags(image(server))
    assert refused.value.status == 401
