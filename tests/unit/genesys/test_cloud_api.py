"""Genesys Cloud's stand-in, asked as `exctl genesys check` does: well, in every kind of trouble,
and through a proxy."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from genesys.look import Grant, looked
from health.cloud_api import CloudApi, Reply
from health.preflight.subject import ServerAddress
from health.preflight.tunnel import http_session, trusting
from lab import settings
from tests.unit.lab.standins import LOOPBACK, Processes

REGION = "mypurecloud.com"
CLIENT = (settings.OAUTH_CLIENT_ID, settings.OAUTH_CLIENT_SECRET)
ORG_PATH = "/api/v2/organizations/me"


@dataclass
class Cloud:
    processes: Processes
    port: int
    ca: Path

    @contextmanager
    def api(
        self, proxy: str | None = None, ca: Path | None = None, seconds: float = 5
    ) -> Iterator[CloudApi]:
        """Every name leads to the stand-in, but a proxy's, which is where it says."""

        def connect(to: ServerAddress) -> socket.socket:
            port = to.port if to.host == LOOPBACK else self.port
            return socket.create_connection((LOOPBACK, port), seconds)

        context = trusting(str(ca or self.ca))
        with http_session(connect, context, seconds, proxy) as session:
            yield CloudApi(session, REGION)

    def told(self, path: str = ORG_PATH, seconds: float = 5) -> tuple[Reply, Reply]:
        """The replies to a token and to one question."""
        with self.api(seconds=seconds) as api:
            return api.token(*CLIENT), api.get(path)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    directory = tmp_path_factory.mktemp("cloud")
    with ExitStack() as stack:
        processes = Processes(directory, stack)
        port = int(processes.cloud(1200).rpartition(":")[2])
        yield Cloud(processes, port, directory / "ca.pem")


@pytest.fixture
def cloud(running: Cloud) -> Iterator[Cloud]:
    yield running
    running.processes.set_faults("cloud", {})


def test_the_client_sees_its_organization_its_role_and_what_is_there(cloud: Cloud) -> None:
    with cloud.api() as api:
        look = looked(api, REGION, *CLIENT, "-Engage-external")
    assert look.org["id"] == settings.ORG_ID
    assert look.org["thirdPartyOrgName"] == settings.ORG_SHORT_NAME
    assert look.grants == [Grant("EX Integration", "Home")]
    assert look.client_name == "EX Engage Connector"
    assert look.counts == dict.fromkeys(("users", "skills", "queues", "wrap-up codes"), 0)
    assert look.rate is not None
    assert (look.rate.allowed, look.rate.count > 0) == (1200, True)


def test_a_refused_client_is_asked_nothing_more(cloud: Cloud) -> None:
    with cloud.api() as api:
        look = looked(api, REGION, CLIENT[0], "wrong", "")
    assert (look.token.kind, look.token.code) == ("refused", 401)
    assert (look.organization, look.grants, look.counts) == (None, None, {})


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (401, "refused"), (403, "forbidden"), (404, "not found"), (429, "too many"),
        (500, "server error"), (503, "server error"), (418, "not understood"),
    ],
)  # fmt: skip
def test_each_code_is_a_kind_of_its_own(cloud: Cloud, code: int, kind: str) -> None:
    cloud.processes.set_faults("cloud", {"error": {"code": str(code)}})
    token, org = cloud.told()
    assert (token.kind, org.kind, org.code) == ("done", kind, code)
    assert org.retry_after_seconds == (1 if code == 429 else None)
    cloud.processes.set_faults("cloud", {"error": {"code": str(code), "at": "token"}})
    assert cloud.told()[0].kind == kind


def test_a_captive_portal_is_told_by_its_redirect_and_by_its_page(cloud: Cloud) -> None:
    cloud.processes.set_faults("cloud", {"portal": {}})
    token, _ = cloud.told()
    assert (token.kind, token.code) == ("portal", 302)
    assert token.words == "http://portal.invalid/sign-in"
    cloud.processes.set_faults("cloud", {"portal": {"form": "page"}})
    assert cloud.told()[0].kind == "portal"


def test_garbage_and_another_organization_are_told(cloud: Cloud) -> None:
    cloud.processes.set_faults("cloud", {"wrong_answer": {}})
    assert cloud.told()[0].kind == "not understood"
    cloud.processes.set_faults("cloud", {"wrong_answer": {"kind": "org"}})
    org = cloud.told()[1]
    assert org.body["id"] != settings.ORG_ID


def test_what_does_not_answer_and_what_is_not_there_are_told_apart(cloud: Cloud) -> None:
    cloud.processes.set_faults("cloud", {"hang": {}})
    assert cloud.told(seconds=0.5)[0].kind == "no answer"
    gone = Cloud(cloud.processes, 1, cloud.ca)
    assert gone.told()[0].kind == "not reached"


def test_a_certificate_of_nobody_we_know_is_not_trusted(cloud: Cloud, tmp_path: Path) -> None:
    with ExitStack() as stack:
        other = Processes(tmp_path, stack)
        from lab import certificates

        certificates.make_authority(other.directory)
    with cloud.api(ca=tmp_path / "ca.pem") as api:
        reply = api.token(*CLIENT)
    assert reply.kind == "not trusted"
    assert reply.words


class Proxy:
    """A proxy that knows CONNECT, and leads everybody to one port."""

    def __init__(self, to_port: int, refuses: bool) -> None:
        self._to_port, self._refuses = to_port, refuses
        self.asked: list[str] = []
        self._listener = socket.create_server((LOOPBACK, 0))
        self.url = f"http://{LOOPBACK}:{self._listener.getsockname()[1]}"
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Proxy:
        self._go(self._serve)
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(5)

    def _go(self, target: object, *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)  # type: ignore[arg-type]  # any callable
        self._threads.append(thread)
        thread.start()

    def _serve(self) -> None:
        try:
            while True:
                self._go(self._take, self._listener.accept()[0])
        except OSError:
            return

    def _take(self, client: socket.socket) -> None:
        with client:
            self.asked.append(client.recv(4096).split(b"\r\n")[0].decode())
            if self._refuses:
                client.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")
                return
            with socket.create_connection((LOOPBACK, self._to_port)) as server:
                client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                back = threading.Thread(target=_pump, args=(server, client), daemon=True)
                back.start()
                _pump(client, server)
                back.join(5)


def _pump(source: socket.socket, sink: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        return


def test_a_proxy_is_asked_for_the_way_and_sees_no_more(cloud: Cloud) -> None:
    with Proxy(cloud.port, refuses=False) as proxy, cloud.api(proxy.url) as api:
        assert api.token(*CLIENT).is_done
        assert api.get(ORG_PATH).body["id"] == settings.ORG_ID
    hosts = [line.split()[:2] for line in proxy.asked]
    assert hosts == [["CONNECT", f"login.{REGION}:443"], ["CONNECT", f"api.{REGION}:443"]]


def test_a_proxy_that_refuses_or_is_not_there_is_named_as_such(cloud: Cloud) -> None:
    with Proxy(cloud.port, refuses=True) as proxy, cloud.api(proxy.url) as api:
        assert api.token(*CLIENT) == Reply("proxy", 407)
    with cloud.api(f"http://{LOOPBACK}:1") as api:
        assert api.token(*CLIENT) == Reply("proxy")
