"""The Genesys Cloud API's stand-in: OAuth client credentials, objects, and a limit of requests."""

from __future__ import annotations

import json
import secrets
import ssl
import threading
import time
import uuid
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import click

from lab import settings
from lab.standins.faults import FaultFile
from lab.standins.servers import with_options

BURST = 20
"""Requests at once that the limit lets pass, on top of its steady rate."""


class Api:
    """What the API holds, and who may ask how often."""

    def __init__(self, rate_per_minute: int) -> None:
        self.rate_per_minute = rate_per_minute
        self.lock = threading.Lock()
        self.tokens: set[str] = set()
        self.objects: dict[tuple[str, str], str] = {}
        self.counts: Counter[str] = Counter()
        self._allowance = float(BURST)
        self._asked_at = time.monotonic()

    def is_within_rate(self) -> bool:
        with self.lock:
            now = time.monotonic()
            passed = (now - self._asked_at) * self.rate_per_minute / 60
            self._allowance = min(BURST, self._allowance + passed)
            self._asked_at = now
            if self._allowance < 1:
                self.counts["refused_by_rate"] += 1
                return False
            self._allowance -= 1
            return True

    def token(self, body: dict[str, Any]) -> str | None:
        given = (body.get("client_id"), body.get("client_secret"))
        if given != (settings.OAUTH_CLIENT_ID, settings.OAUTH_CLIENT_SECRET):
            return None
        token = secrets.token_hex(16)
        with self.lock:
            self.tokens.add(token)
        return token

    def take(self, kind: str, body: dict[str, Any]) -> str:
        """The id of the object, the same one if it has been made before."""
        key = kind, str(body.get("externalId") or body.get("id") or uuid.uuid4())
        with self.lock:
            self.counts[f"repeated {kind}" if key in self.objects else kind] += 1
            return self.objects.setdefault(key, str(uuid.uuid4()))


@click.command()
@with_options
@click.option("--certificate", required=True)
@click.option("--key", required=True)
@click.option("--rate-per-minute", type=int, default=settings.RATE_PER_MINUTE)
def main(
    bind: str, port: int, faults: Path, certificate: str, key: str, rate_per_minute: int
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = ApiServer((bind, port), ApiHandler)
    server.api, server.faults = Api(rate_per_minute), FaultFile(faults)
    server.socket = context.wrap_socket(
        server.socket, server_side=True, do_handshake_on_connect=False
    )
    server.serve_forever()


class ApiServer(ThreadingHTTPServer):
    api: Api
    faults: FaultFile
    daemon_threads = True


class ApiHandler(BaseHTTPRequestHandler):
    server: ApiServer

    def do_GET(self) -> None:
        if self.path == "/lab/counts":
            with self.server.api.lock:
                self._send(200, dict(self.server.api.counts))
        else:
            self._send(404, {"message": "not found"})

    def do_POST(self) -> None:
        if not self._is_hindered():
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self._send(*self._answer(body))

    def _answer(self, body: dict[str, Any]) -> tuple[int, Any]:
        api = self.server.api
        if self.path == "/oauth/token":
            token = api.token(body)
            return (200, {"access_token": token}) if token else (401, {"error": "invalid_client"})
        if self.headers.get("Authorization", "").removeprefix("Bearer ") not in api.tokens:
            return 401, {"message": "no valid token"}
        if not api.is_within_rate():
            return 429, {"message": "rate limit exceeded"}
        return 200, {"id": api.take(self.path.split("/api/v2/")[-1], body)}

    def _is_hindered(self) -> bool:
        faults = self.server.faults
        if faults.get("hang") is not None:
            time.sleep(60)
            return True
        if (slow := faults.get("slow")) is not None:
            time.sleep(float(slow.get("seconds", 3)))
        if faults.get("crash") is not None:
            self._send(500, {"message": "internal error"})
            return True
        return False

    def _send(self, code: int, body: Any) -> None:
        content = json.dumps(body).encode()
        self.send_response(code)
        self.send_header("inin-ratelimit-allowed", str(self.server.api.rate_per_minute))
        if code == 429:
            self.send_header("Retry-After", "1")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_args: Any) -> None:
        """Thousands of requests a sync: `/lab/counts` tells what came."""


if __name__ == "__main__":
    main()
