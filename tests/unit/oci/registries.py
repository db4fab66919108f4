"""A registry in this process: enough of its API to be pushed to, and to be cut."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from oci.reference import ImageReference

USER, PASSWORD = "exec", "a-password-of-tests"
TOKEN = "a-token"


class FakeRegistry(ThreadingHTTPServer):
    """`blobs` and `manifests` are what was pushed; `refuse` maps a method to a status that it
    answers; `offers_basic` is which challenge comes first where
    there are two; `cut_after` is the number of chunks after which connections are cut, once."""

    daemon_threads = True

    def __init__(self, with_tokens: bool) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.with_tokens = with_tokens
        self.blobs: dict[str, bytes] = {}
        self.manifests: dict[str, bytes] = {}
        self.uploads: dict[str, bytes] = {}
        self.refuse: dict[str, int] = {}
        self.offers_basic = ""
        self.takes_anybody = False
        self.cut_after = -1
        self.chunks = 0
        self.seen: list[str] = []

    @property
    def repository(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}/exec"


@contextmanager
def fake_registry(with_tokens: bool = False) -> Iterator[FakeRegistry]:
    server = FakeRegistry(with_tokens)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def image(server: FakeRegistry) -> ImageReference:
    """The one image that tests push to it."""
    return ImageReference.parse(f"{server.repository}/excs:1")


class _Handler(BaseHTTPRequestHandler):
    server: FakeRegistry
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments: object) -> None:
        """Silent."""

    def handle(self) -> None:
        """As Go's servers do, it tells who speaks TLS that it doesn't."""
        if self.rfile.peek(1)[:1] == b"\x16":  # type: ignore[attr-defined]  # it is buffered
            self.wfile.write(b"HTTP/1.0 400 Bad Request\r\n\r\n")
        else:
            super().handle()

    def _answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _is_let_in(self) -> bool:
        basic = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        given = self.headers.get("Authorization")
        if urlsplit(self.path).path == "/token":
            if self.server.takes_anybody or given == basic or self.command == "POST":
                return True
            self._answer(401)
            return False
        if given == (f"Bearer {TOKEN}" if self.server.with_tokens else basic):
            return True
        realm = f"http://{self.headers['Host']}/token"
        bearer = f'Bearer realm="{realm}",service="fake",scope="repository:exec/excs:pull,push"'
        plain = 'Basic realm="fake, and more"'
        wanted = bearer if self.server.with_tokens else plain
        if self.server.offers_basic:
            both = [plain, bearer] if self.server.offers_basic == "Basic" else [bearer, plain]
            wanted = ", ".join(both)
        self._answer(401, WWW_Authenticate=wanted)
        return False

    def _handle(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.seen.append(self.command)
        if not self._is_let_in():
            return
        parts = urlsplit(self.path)
        if parts.path == "/token":
            if self.command == "POST" and parse_qs(body.decode()).get("refresh_token") != [
                PASSWORD
            ]:
                self._answer(401)
                return
            self._answer(200, json.dumps({"token": TOKEN}).encode())
        elif status := self.server.refuse.get(self.command):
            said = {"errors": [{"code": "DENIED", "message": "no"}]}
            self._answer(status, json.dumps(said).encode())
        elif parts.path == "/v2/":
            self._answer(200, b"{}")
        elif "/uploads/" in parts.path:
            self._upload(parts.path.rpartition("/")[2], parse_qs(parts.query), body)
        elif "/blobs/" in parts.path:
            data = self.server.blobs.get(parts.path.rpartition("/")[2])
            self._answer(404 if data is None else 200, data or b"")
        elif parts.path.endswith("/tags/list"):
            self._tags(parts.query)
        else:
            self._manifest(parts.path.rpartition("/")[2], body)

    do_GET = do_HEAD = do_POST = do_PATCH = do_PUT = _handle

    def _upload(self, number: str, query: dict[str, list[str]], body: bytes) -> None:
        uploads = self.server.uploads
        if self.command == "POST":
            number = str(len(uploads))
            uploads[number] = b""
        elif number not in uploads:
            self._answer(404)
            return
        elif self.command == "PATCH":
            self.server.chunks += 1
            if self.server.chunks == self.server.cut_after:
                self.close_connection = True
                self.connection.close()
                return
            uploads[number] += body
        elif self.command == "PUT":
            data = uploads.pop(number)
            digest = query["digest"][0]
            if f"sha256:{hashlib.sha256(data).hexdigest()}" != digest:
                self._answer(400)
                return
            self.server.blobs[digest] = data
            self._answer(201)
            return
        place = f"/v2/exec/excs/blobs/uploads/{number}?state={len(uploads[number])}"
        last = max(0, len(uploads[number]) - 1)
        status = 204 if self.command == "GET" else 202
        self._answer(status, Location=place, Range=f"0-{last}")

    def _tags(self, query: str) -> None:
        """One tag a page."""
        tags = sorted(self.server.manifests)
        first = int((parse_qs(query).get("from") or ["0"])[0])
        more = {}
        if first + 1 < len(tags):
            more["Link"] = f'</v2/exec/excs/tags/list?from={first + 1}>; rel="next"'
        self._answer(200, json.dumps({"tags": tags[first : first + 1]}).encode(), **more)

    def _manifest(self, reference: str, body: bytes) -> None:
        if self.command == "PUT":
            self.server.manifests[reference] = body
            self._answer(201)
        elif reference in self.server.manifests:
            data = self.server.manifests[reference]
            digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
            self._answer(200, data, Docker_Content_Digest=digest)
        else:
            self._answer(404)
