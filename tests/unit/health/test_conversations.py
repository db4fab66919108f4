"""What is spoken over a tunnel, against real servers on loopback, well-behaved and not.

`ssh -W` is played by a small program that does the same with its stdin and stdout. Proves what the
lab's registry, Redis, database and cloud don't do: tokens, an index of images for several
processors, strangers, silence. That the good ones are logged in to is proved in the lab.
"""

from __future__ import annotations

import base64
import hashlib
import http.server
import json
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pg8000.exceptions import DatabaseError, InterfaceError

from health.preflight import config_db, genesys_cloud, redis_server, registry
from health.preflight.host_facts import HostFacts
from health.preflight.outcome import Outcome, not_forwarded
from health.preflight.registry import Manifest
from health.preflight.subject import Subject
from health.preflight.tunnel import Tunnels
from tests.unit.health.site import EXCS, Site
from tests.unit.health.test_probe import FAKE_SSH

USER = "Basic " + base64.b64encode(b"exec:s3cret").decode()
INDEX = {
    "manifests": [
        {"digest": "sha256:arm", "platform": {"os": "linux", "architecture": "arm64"}},
        {"digest": "sha256:amd", "platform": {"os": "linux", "architecture": "amd64"}},
    ]
}
INDEX_DIGEST = f"sha256:{hashlib.sha256(json.dumps(INDEX).encode()).hexdigest()}"
REFERENCES = ("100.0.100.11", f"sha256:{'a' * 64}")
LAYERS = {"layers": [{"size": 100}, {"size": 23}]}
REFUSED = Outcome("refused", "the registry has no such image")


class Registry(http.server.BaseHTTPRequestHandler):
    """Wants a token, which it gives to one user; has one image, for two processors."""

    server: Any

    def do_GET(self) -> None:
        self.server.asked.append((self.command, self.path))
        if self.path.startswith("/token"):
            is_user = self.headers.get("Authorization") == USER
            self.answer(200 if is_user else 401, {"token": "t"} if is_user else {})
        elif self.headers.get("Authorization") != "Bearer t":
            realm = f"http://127.0.0.1:{self.server.server_port}/token"
            self.answer(401, {}, f'Bearer realm="{realm}",service="r"')
        elif self.path.endswith("/manifests/sha256:amd"):
            self.answer(200, LAYERS)
        elif self.path in ("/v2/", *(f"/v2/exec/excs/manifests/{r}" for r in REFERENCES)):
            self.answer(200, INDEX)
        else:
            self.answer(404, {})

    do_HEAD = do_GET

    def answer(self, code: int, content: object, challenge: str = "") -> None:
        body = json.dumps(content).encode()
        self.send_response(code)
        if challenge:
            self.send_header("WWW-Authenticate", challenge)
        self.send_header("Docker-Content-Digest", "sha256:index")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_args: object) -> None: ...


@pytest.fixture
def tunnels(tmp_path: Path) -> Iterator[Tunnels]:
    script = tmp_path / "ssh.py"
    script.write_text(FAKE_SSH)
    with Tunnels([sys.executable, str(script), "genesys@exec-1"], 1.0) as made:
        yield made


@pytest.fixture
def registry_port() -> Iterator[int]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Registry) as server:
        server.asked = []  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, args=[0.01])
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@contextmanager
def stranger(says: bytes) -> Iterator[int]:
    """Something that answers whatever comes with the same bytes, and hangs up; silent for ever
    without any."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    peer = server.accept()[0]
                except OSError:
                    return
                peers.append(peer)
                if says:
                    peer.recv(1000)
                    peer.sendall(says)
                    peer.close()

        peers: list[socket.socket] = []
        thread = threading.Thread(target=serve)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
    thread.join()
    for peer in peers:
        peer.close()


def subject(digest: str | None = None, password: str = "s3cret", **places: int) -> Subject:
    """The lab's stack with its servers on loopback, and EXCS's image pinned by a digest."""
    file = Site().file
    if digest is not None:
        file.put("excs.digest", digest)
    if "registry" in places:
        file.put("registry.repository", f"127.0.0.1:{places['registry']}/exec")
    if "redis" in places:
        file.put("redis.host", "127.0.0.1").put("redis.port", places["redis"])
    if "database" in places:
        file.put("excs.config_db.host", "127.0.0.1")
        file.put("excs.config_db.port", places["database"])
    site = Site()
    site.file = file
    names = ("registryPassword", "redisPassword", "configDbPassword", "oauthClientSecret")
    return registry.with_login(
        replace(site.subject(), secrets=dict.fromkeys(names, password)), Path.cwd()
    )


def facts(is_insecure: bool = True) -> HostFacts:
    cidrs = ["127.0.0.0/8"] if is_insecure else []
    return HostFacts(
        facts={"machine": "x86_64"},
        docker={"ServerVersion": "24", "RegistryConfig": {"InsecureRegistryCIDRs": cidrs}},
    )


@pytest.mark.parametrize("digest", [None, REFERENCES[1]])
def test_a_registrys_token_is_fetched_and_the_size_is_that_of_the_hosts_processor(
    tunnels: Tunnels, registry_port: int, digest: str | None
) -> None:
    about = subject(digest, registry=registry_port)
    answer = registry.ask(about, about.images(EXCS), facts(), tunnels)
    (image,) = about.images(EXCS)
    assert answer.login == Outcome("done")
    assert answer.manifests == {image: Manifest(INDEX_DIGEST, 123)}


def test_a_registry_refuses_a_wrong_password(tunnels: Tunnels, registry_port: int) -> None:
    about = subject(password="wrong", registry=registry_port)
    answer = registry.ask(about, about.images(EXCS), facts(), tunnels)
    assert answer.login == Outcome("refused", "it refuses exec or registryPassword")


def test_a_tag_that_isnt_there_is_told_by_image(tunnels: Tunnels, registry_port: int) -> None:
    site = Site()
    site.file.put("registry.repository", f"127.0.0.1:{registry_port}/exec")
    site.file.put("excs.tag", "100.0.100.99")
    about = registry.with_login(
        replace(site.subject(), secrets={"registryPassword": "s3cret"}), Path.cwd()
    )
    answer = registry.ask(about, about.images(EXCS), facts(), tunnels)
    assert list(answer.manifests.values()) == [REFUSED]


def test_no_password_goes_to_a_registry_without_tls_that_docker_takes_for_secure(
    tunnels: Tunnels, registry_port: int
) -> None:
    about = subject(registry=registry_port)
    answer = registry.ask(about, about.images(EXCS), facts(False), tunnels)
    assert answer.login == Outcome("failed", "what answers there speaks no TLS")
    assert answer.manifests == {}


@pytest.mark.parametrize(
    ("no_proxy", "goes_past"),
    [
        ("", False),
        ("other.example", False),
        ("127.0.0.1", True),
        ("127.0.0.0/8", True),
        ("*", True),
    ],
)
def test_what_docker_asks_through_its_proxy_isnt_asked_from_here(
    tunnels: Tunnels, registry_port: int, no_proxy: str, goes_past: bool
) -> None:
    given = facts()
    docker = {**given.docker, "HttpsProxy": "http://proxy:3128", "NoProxy": no_proxy}
    about = subject(registry=registry_port)
    answer = registry.ask(about, about.images(EXCS), replace(given, docker=docker), tunnels)
    assert (answer.login.kind == "done") is goes_past
    assert goes_past or answer.login.words == "the daemon asks it through a proxy"


def test_a_redis_that_isnt_one_is_told_so(tunnels: Tunnels) -> None:
    with stranger(b"HTTP/1.1 400 Bad Request\r\n\r\n") as port:
        login = redis_server.ask(subject(redis=port), tunnels).login
    assert login.kind == "failed"


@pytest.mark.parametrize(
    ("says", "kind", "words"),
    [
        (b"-WRONGPASS invalid\r\n", "refused", "it refuses redisPassword, or has no password set"),
        (b"-LOADING Redis is loading\r\n", "done", ""),
        (b"-ERR s3cret\r\n", "failed", "it answers with an error"),
    ],
)
def test_redis_answers_are_told_in_words_of_ours(
    tunnels: Tunnels, says: bytes, kind: str, words: str
) -> None:
    with stranger(says) as port:
        login = redis_server.ask(subject(redis=port), tunnels).login
    assert (login.kind, login.words) == (kind, words)


def test_a_config_db_that_isnt_one_is_told_so(tunnels: Tunnels) -> None:
    with stranger(b"HTTP/1.1 400 Bad Request\r\n\r\n") as port:
        outcome = config_db.ask(subject(database=port), tunnels)
    assert outcome.kind == "failed"


def test_whoever_is_silent_is_given_up(tunnels: Tunnels) -> None:
    with stranger(b"") as port:
        about = subject(database=port, redis=port)
        assert config_db.ask(about, tunnels) == Outcome("failed", "no answer within 1 s")
        assert redis_server.ask(about, tunnels).login == Outcome("failed", "no answer within 1 s")


def test_a_way_that_ssh_doesnt_open_leaves_the_login_untried(tunnels: Tunnels) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    about = subject(database=port, redis=port)
    assert redis_server.ask(about, tunnels).login == not_forwarded()
    assert config_db.ask(about, tunnels) == not_forwarded()


def test_what_we_lack_isnt_tried_and_is_named(tunnels: Tunnels) -> None:
    about = registry.with_login(replace(subject(), secrets={}), Path.cwd())
    assert redis_server.ask(about, tunnels).login.words == "redisPassword isn't set"
    assert config_db.ask(about, tunnels).words == "configDbPassword isn't set"
    assert (
        registry.ask(about, about.images(EXCS), facts(), tunnels).login.words
        == "no registryPassword"
    )
    site = Site()
    site.file.put("excs.config_db", {"host": "h", "port": 1521, "user": "u", "name": "n",
                                     "type": "oracle"})  # fmt: skip
    words = "reached; a login to oracle isn't tried from here"
    assert config_db.ask(site.subject(), tunnels) == Outcome("not asked", words)


def test_genesys_cloud_without_an_oauth_client_is_not_asked_for_a_token(tunnels: Tunnels) -> None:
    site = Site()
    tenant = site.subject().config.tenant.model_dump(exclude={"oauth_client_id"})
    site.file.put("tenant", tenant)
    site.file.put("preflight", {})
    login, _ = genesys_cloud.log_in(site.subject(), tunnels)
    assert login.kind == "not asked"
    assert "oauth_client_id" in login.words


def test_a_close_that_fails_doesnt_hide_why_the_database_refused(tunnels: Tunnels) -> None:
    try:
        try:
            raise DatabaseError({"C": "28P01", "M": "password authentication failed"})
        except DatabaseError:
            raise InterfaceError("connection is closed") from None
    except InterfaceError as error:
        found = config_db.of_failure(error, tunnels)
    assert found == Outcome("refused", "it refuses the user, or configDbPassword")
