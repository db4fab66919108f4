"""Portainer as far as a deployment meets it: its flags, its admin, its status, the host's Docker.

Source: portainer 2.23, api/cli/cli.go (an unknown flag ends it), api/cmd/portainer/main.go (the
password file is read at each start, and counts at the first alone), api/http/handler/auth.
"""

from __future__ import annotations

import argparse
import hashlib
import http.client
import json
import secrets
import signal
import socket
import ssl
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

CERTIFICATE = Path(__file__).with_name("portainer.pem")
CONTAINERS = "/api/endpoints/1/docker/containers/json"


def flags() -> argparse.Namespace:
    parser = argparse.ArgumentParser(allow_abbrev=False)
    for name in ("--bind-https", "--tunnel-addr", "--tunnel-port"):
        parser.add_argument(name, required=True)
    parser.add_argument("--data", type=Path, default=Path("/data"))
    parser.add_argument("--host", default="")
    parser.add_argument("--admin-password-file", type=Path)
    parser.add_argument("--http-disabled", action="store_true")
    return parser.parse_args()


def hashed(password: str, salt: bytes) -> str:
    return hashlib.scrypt(password.encode(), salt=salt, n=2**12, r=8, p=1).hex()


class Portainer:
    """Its data: the admin, once there is one."""

    def __init__(self, data: Path, docker: str) -> None:
        self._admin, self._docker = data / "admin.json", docker
        self._tokens: set[str] = set()

    def take_admin(self, password: str) -> None:
        if not self._admin.exists():
            salt = secrets.token_bytes(16)
            self._admin.write_text(json.dumps([salt.hex(), hashed(password, salt)]))

    def log_in(self, user: str, password: str) -> str | None:
        salt, expected = json.loads(self._admin.read_text())
        if user != "admin" or hashed(password, bytes.fromhex(salt)) != expected:
            return None
        token = secrets.token_hex()
        self._tokens.add(token)
        return token

    def knows(self, token: str) -> bool:
        return token in self._tokens

    def containers(self) -> bytes:
        client = http.client.HTTPConnection("docker")
        client.sock = socket.socket(socket.AF_UNIX)
        client.sock.connect(self._docker.removeprefix("unix://"))
        client.request("GET", "/containers/json")
        return client.getresponse().read()


def handler_of(portainer: Portainer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/api/system/status":
                self.answer(200, b'{"Version": "2.23.0"}')
            elif not portainer.knows(self.headers.get("Authorization", "").removeprefix("Bearer ")):
                self.answer(401, b'{"message": "A valid authorization token is missing"}')
            elif self.path == CONTAINERS:
                self.answer(200, portainer.containers())
            else:
                self.answer(404, b"{}")

        def do_POST(self) -> None:
            said = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            token = portainer.log_in(said["username"], said["password"])
            if token is None:
                self.answer(422, b'{"message": "Invalid credentials"}')
            else:
                self.answer(200, json.dumps({"jwt": token}).encode())

        def answer(self, code: int, body: bytes) -> None:
            self.send_response(code)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    return Handler


def main() -> None:
    # A container's first process isn't ended by a signal that it doesn't handle.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    given = flags()
    portainer = Portainer(given.data, given.host)
    if given.admin_password_file is not None:
        portainer.take_admin(given.admin_password_file.read_text().removesuffix("\n"))
    address, _, port = given.bind_https.rpartition(":")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE, CERTIFICATE.with_suffix(".key"))
    tunnel = socket.create_server((given.tunnel_addr, int(given.tunnel_port)))
    with tunnel, ThreadingHTTPServer((address, int(port)), handler_of(portainer)) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
