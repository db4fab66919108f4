"""Probes against a real HTTP service on loopback, well-behaved and not.

`ssh` is played by a small program that does what `ssh -W` does with its stdin and stdout; that
OpenSSH does the same, over a shared connection, is a matter of the lab.
"""

from __future__ import annotations

import http.server
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from health.probe import AnswerKind, Probe, direct_probe, ssh_probe
from lab import certificates

FAKE_SSH = """
import socket, sys, threading
*options, flag, target, host = sys.argv[1:]
assert (flag, host) == ("-W", "genesys@exec-1"), sys.argv
address, port = target.split(":")
try:
    peer = socket.create_connection((address, int(port)))
except ConnectionRefusedError:
    print("channel 0: open failed: connect failed: Connection refused", file=sys.stderr)
    print("stdio forwarding failed", file=sys.stderr)
    sys.exit(255)
def send():
    while data := sys.stdin.buffer.raw.read(65536):
        peer.sendall(data)
threading.Thread(target=send, daemon=True).start()
while data := peer.recv(65536):
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()
"""


class Service(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/health":
            self.answer(200, b'{"status":"UP"}')
        elif self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", "/health")
            self.end_headers()
        elif self.path == "/closed":
            self.answer(200, b"until the end", length=False)
        elif self.path == "/drip":
            for _ in range(40):
                self.wfile.write(b"H")
                time.sleep(0.05)
        else:
            self.answer(503, b'{"status":"DOWN"}')

    def answer(self, code: int, body: bytes, length: bool = True) -> None:
        self.send_response(code)
        if length:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Silent: what it answered is what the tests look at."""


@pytest.fixture(scope="module")
def service() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Service) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    directory = tmp_path_factory.mktemp("tls")
    certificates.make_authority(directory)
    certificates.issue(directory, directory, "own", "127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(directory / "own.pem", directory / "own.key")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Service) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"https://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@contextmanager
def listener(behave: Callable[[socket.socket], object]) -> Iterator[str]:
    """A port where one connection is taken and treated as `behave` does."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                behave(connection)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/health"
        thread.join(2)


@pytest.fixture(params=["direct", "ssh"])
def probe_with(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[float], Probe]:
    if request.param == "direct":
        return direct_probe
    script = tmp_path / "ssh.py"
    script.write_text(FAKE_SSH)
    return lambda seconds: ssh_probe([sys.executable, str(script), "genesys@exec-1"], seconds)


def test_an_answer_holds_code_body_and_time(
    probe_with: Callable[[float], Probe], service: str
) -> None:
    answer = probe_with(5)(f"{service}/health")
    assert (answer.code, answer.body, answer.error) == (200, b'{"status":"UP"}', "")
    assert 0 < answer.seconds < 5


def test_tls_is_spoken_whoever_made_the_certificate(
    probe_with: Callable[[float], Probe], secured: str
) -> None:
    assert probe_with(5)(f"{secured}/health").body == b'{"status":"UP"}'


def test_tls_with_something_that_never_answers_costs_no_more_than_the_time_limit(
    probe_with: Callable[[float], Probe],
) -> None:
    with listener(lambda _: time.sleep(1)) as url:
        started = time.monotonic()
        answer = probe_with(0.5)(url.replace("http:", "https:"))
    assert (answer.kind, answer.error) == (AnswerKind.NO_ANSWER, "no answer within 0.5 seconds")
    assert time.monotonic() - started < 3


def test_another_code_is_an_answer_too(probe_with: Callable[[float], Probe], service: str) -> None:
    answer = probe_with(5)(f"{service}/other")
    assert (answer.is_ok, str(answer), answer.body) == (False, "HTTP 503", b'{"status":"DOWN"}')


def test_a_redirect_is_not_followed(probe_with: Callable[[float], Probe], service: str) -> None:
    assert probe_with(5)(f"{service}/moved").code == 302


def test_a_body_without_a_length_is_read_to_its_end(
    probe_with: Callable[[float], Probe], service: str
) -> None:
    assert probe_with(5)(f"{service}/closed").body == b"until the end"


def test_a_port_where_nothing_listens_is_refused(probe_with: Callable[[float], Probe]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    answer = probe_with(5)(f"http://127.0.0.1:{port}/health")
    assert (answer.kind, str(answer)) == (AnswerKind.REFUSED, "connection refused")


def test_a_service_that_accepts_and_never_answers_costs_no_more_than_the_time_limit(
    probe_with: Callable[[float], Probe],
) -> None:
    over = threading.Event()
    with listener(lambda _: over.wait(3)) as url:
        started = time.monotonic()
        answer = probe_with(0.5)(url)
        took = time.monotonic() - started
        over.set()
    assert (answer.kind, str(answer)) == (AnswerKind.NO_ANSWER, "no answer within 0.5 seconds")
    assert took < 2


def test_a_service_that_drips_its_answer_costs_no_more_than_the_time_limit(
    probe_with: Callable[[float], Probe], service: str
) -> None:
    started = time.monotonic()
    answer = probe_with(0.5)(f"{service}/drip")
    assert not answer.is_ok
    assert time.monotonic() - started < 1.9


def test_a_connection_closed_at_once_is_no_answer(probe_with: Callable[[float], Probe]) -> None:
    with listener(lambda connection: connection.recv(4096)) as url:
        answer = probe_with(5)(url)
    assert str(answer) == "connection closed without an answer"
    assert answer.kind is AnswerKind.NO_ANSWER


def test_something_that_speaks_no_http_is_named_so(probe_with: Callable[[float], Probe]) -> None:
    def greet(connection: socket.socket) -> None:
        connection.sendall(b"220 smtp ready\r\n")
        connection.recv(4096)

    with listener(greet) as url:
        answer = probe_with(5)(url)
    assert str(answer) == "not an HTTP answer (BadStatusLine)"
    assert answer.kind is AnswerKind.ODD


BANNER = "Authorised use only. " * 20


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("Host key verification failed.", AnswerKind.UNREACHABLE),
        # Over a shared connection the same for a closed port and for DisableForwarding.
        ("Stdio forwarding request failed: Session open refused by peer",
         AnswerKind.FORWARD_FAILED),
        ("channel 0: open failed: administratively prohibited: open failed\n"
         "stdio forwarding failed", AnswerKind.FORWARD_FAILED),
        ("channel 0: open failed: connect failed: Connection refused\n"
         "stdio forwarding failed", AnswerKind.REFUSED),
    ],
)  # fmt: skip
def test_what_ssh_says_tells_how_far_it_came(tmp_path: Path, said: str, kind: AnswerKind) -> None:
    script = tmp_path / "ssh"
    script.write_text(f"#!/bin/sh\necho '{BANNER}\n{said}' >&2\nexit 255\n")
    script.chmod(0o755)
    answer = ssh_probe([str(script), "genesys@exec-1"])("http://exec-1:3650/health")
    assert answer.kind is kind
    wanted = f"ssh: {said.splitlines()[-1]}"
    assert str(answer) == ("connection refused" if kind is AnswerKind.REFUSED else wanted)


def test_a_banner_of_a_host_whose_service_hangs_isnt_its_error(tmp_path: Path) -> None:
    script = tmp_path / "ssh"
    script.write_text(f"#!/bin/sh\necho '{BANNER}' >&2\nexec sleep 9\n")
    script.chmod(0o755)
    answer = ssh_probe([str(script), "genesys@exec-1"], 0.3)("http://exec-1:3650/health")
    assert (answer.kind, str(answer)) == (AnswerKind.NO_ANSWER, "no answer within 0.3 seconds")


def test_a_login_of_its_own_shares_no_connection(tmp_path: Path) -> None:
    script = tmp_path / "ssh"
    script.write_text("#!/bin/sh\necho $* >&2; exit 255\n")
    script.chmod(0o755)
    command = [str(script), "-o", "ControlPath=/tmp/x", "genesys@exec-1"]
    said = str(ssh_probe(command, is_alone=True)("http://exec-1:3650/health"))
    assert said.startswith("ssh: -o ControlPath=none ")


def test_without_ssh_a_probe_says_so() -> None:
    answer = ssh_probe(["/nowhere/ssh", "genesys@exec-1"])("http://exec-1:3650/health")
    assert answer.kind is AnswerKind.UNREACHABLE
    assert str(answer) == "ssh can't be started: No such file or directory"


def test_a_proxy_in_the_operators_shell_is_not_asked(
    service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    assert direct_probe()(f"{service}/health").is_ok


def test_a_name_that_does_not_resolve_is_said() -> None:
    answer = direct_probe()("http://exec-1.invalid:3650/health")
    assert answer.kind is AnswerKind.UNREACHABLE
    assert answer.error
