"""The docker plugin's client, against an answerer that plays one daemon or another."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from plugins.docker.address import ANSWER_SECONDS, DaemonAddress
from plugins.docker.client import Docker
from plugins.docker.errors import DockerError, InterruptedWait, Refused
from plugins.docker.images import Images


class Player(ThreadingHTTPServer):
    """Answers for a Docker that knows the API from `least` to `most`; `slow` paths never."""

    daemon_threads = True

    def __init__(self, least: str, most: str) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.least, self.most = least, most
        self.asked: list[str] = []
        self.slow = ""
        self.pulls_cut = 0
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def docker(self, answer_seconds: int = ANSWER_SECONDS) -> Docker:
        address = DaemonAddress(f"tcp://127.0.0.1:{self.server_address[1]}")
        return Docker(address, answer_seconds)


class _Answers(BaseHTTPRequestHandler):
    server: Player
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        if self.server.slow and self.server.slow in self.path:
            time.sleep(30)
        version = self.path.split("/")[1]
        code, body = 200, {"Id": "x", "ApiVersion": self.server.most}
        body["MinAPIVersion"] = self.server.least
        if version.startswith("v") and version[1] in "0123456789":
            least, most = (_number(v) for v in (self.server.least, self.server.most))
            if not least <= _number(version[1:]) <= most:
                code, body = 400, {"message": f"client version {version} is too old"}
        content = json.dumps(body).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def do_POST(self) -> None:
        if "/images/create" not in self.path:
            self.do_GET()
            return
        self.server.asked.append(self.path)
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        step = b'{"status": "Pulling"}'
        self.wfile.write(b"%x\r\n%s\r\n" % (len(step), step))
        if self.server.pulls_cut:
            self.server.pulls_cut -= 1
        else:
            self.wfile.write(b"0\r\n\r\n")
        self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:
        """Silence."""


def _number(version: str) -> int:
    return int(version.split(".")[1])


@pytest.fixture
def player() -> Iterator[Callable[[str, str], Player]]:
    found: list[Player] = []

    def play(least: str, most: str) -> Player:
        found.append(Player(least, most))
        return found[-1]

    yield play
    for one in found:
        one.shutdown()
        one.server_close()


@pytest.mark.parametrize(
    ("least", "most", "spoken"),
    [("1.12", "1.41", "1.41"), ("1.44", "1.52", "1.51"), ("1.52", "1.60", "1.52")],
)
def test_the_api_version_is_one_that_both_know(
    least: str, most: str, spoken: str, player: Callable[[str, str], Player]
) -> None:
    played = player(least, most)
    assert played.docker().ask(lambda api: api.inspect_container("x"))["Id"] == "x"
    assert played.asked == ["/version", f"/v{spoken}/containers/x/json"]


def test_a_daemon_that_does_not_answer_is_an_error_in_time(
    player: Callable[[str, str], Player],
) -> None:
    played = player("1.12", "1.41")
    played.slow = "containers"
    docker = played.docker(1)
    begun = time.monotonic()
    with pytest.raises(DockerError, match="Docker doesn't answer, for 1 s"):
        docker.ask(lambda api: api.inspect_container("x"))
    assert time.monotonic() - begun < 5


def test_a_daemon_that_stands_still_ends_a_long_action(
    player: Callable[[str, str], Player],
) -> None:
    played = player("1.12", "1.41")
    docker = played.docker(1)
    docker.reach()
    played.slow = "/"
    begun = time.monotonic()
    with pytest.raises(DockerError, match="doesn't answer"):
        docker.act(lambda api: api.start("x"), 100)
    assert time.monotonic() - begun < 10


def test_an_interrupt_ends_what_may_be_ended_at_once(
    player: Callable[[str, str], Player],
) -> None:
    played = player("1.12", "1.41")
    docker = played.docker()
    docker.reach()
    played.slow = "containers"
    threading.Timer(0.5, docker.cancel).start()
    begun = time.monotonic()
    with pytest.raises(InterruptedWait):
        docker.act(lambda api: api.start("x"), 100, may_be_ended=True)
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize(("cut", "tries"), [(0, 1), (2, 3)])
def test_a_pull_whose_connection_ends_is_gone_on_with(
    cut: int, tries: int, player: Callable[[str, str], Player]
) -> None:
    played = player("1.12", "1.41")
    played.pulls_cut = cut
    found = Images(played.docker(), lambda _: None).pull("r/excp:1", "")
    assert found["Id"] == "x"
    assert len([path for path in played.asked if "/images/create" in path]) == tries


def test_a_pull_whose_connection_always_ends_is_refused_in_plain_words(
    player: Callable[[str, str], Player],
) -> None:
    played = player("1.12", "1.41")
    played.pulls_cut = 99
    with pytest.raises(Refused, match="image r/excp:1: the connection ended amid an answer"):
        Images(played.docker(), lambda _: None).pull("r/excp:1", "")
    assert played.pulls_cut == 96


def test_an_address_that_means_nothing_is_refused_by_name() -> None:
    with pytest.raises(DockerError, match=r"npipe:////x: is no address of a Docker daemon"):
        Docker(DaemonAddress("npipe:////x")).reach()


def test_a_closed_port_is_said_in_plain_words() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with pytest.raises(DockerError) as refused:
        Docker(DaemonAddress(f"tcp://127.0.0.1:{port}")).reach()
    assert str(refused.value) == (
        f"tcp://127.0.0.1:{port}: failed to connect to any docker daemon: Connection refused"
    )
