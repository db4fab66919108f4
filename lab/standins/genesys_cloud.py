"""The Genesys Cloud API's stand-in: OAuth client credentials, objects, and a limit of requests.

What it says of organization, token and grants has the form of the platform's SDK. The permissions
of the role "EX Integration" aren't public: it has none here but its name.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import secrets
import ssl
import threading
import time
import uuid
from collections import Counter
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import click

from lab import settings
from lab.standins.faults import FaultFile
from lab.standins.servers import listen, with_options
from lab.standins.service.web import GARBAGE

BURST = 20
"""Requests at once that the limit lets pass, on top of its steady rate."""
TOKEN_PATH = "/oauth/token"
KINDS = {
    "/api/v2/users": "users",
    "/api/v2/routing/skills": "skills",
    "/api/v2/routing/queues": "queues",
    "/api/v2/routing/wrapupcodes": "wrapupcodes",
    "/api/v2/groups": "groups",
    "/api/v2/conversations/events": "events",
}
PRESENCE = re.compile(r"/api/v2/users/(?P<id>[^/]+)/presences/[^/]+")
ROLE, HOME_DIVISION = "EX Integration", "Home"
OTHER_ORG_ID = "00000000-0000-4000-8000-000000000000"
TOKEN_SECONDS = 86_400
PORTAL = "<html><title>Sign in</title>Welcome to the guest network</html>"
Answer = tuple[int, Any]


class RateLimit:
    """How many requests one OAuth client may send: a steady rate and a small burst."""

    def __init__(self, per_minute: int, now: float) -> None:
        self._per_second = per_minute / 60
        self._allowance = float(BURST)
        self._asked_at = now

    @property
    def count(self) -> int:
        """Requests of this minute, as the header tells them."""
        return BURST - int(self._allowance)

    def is_kept(self, now: float) -> bool:
        passed = (now - self._asked_at) * self._per_second
        self._allowance = min(BURST, self._allowance + passed)
        self._asked_at = now
        if self._allowance < 1:
            return False
        self._allowance -= 1
        return True


class Api:
    """What the org holds, and who may ask how often."""

    def __init__(self, rate_per_minute: int) -> None:
        self.rate_per_minute = rate_per_minute
        self._lock = threading.Lock()
        self._clients: dict[str, str] = {}
        self._limits: dict[str, RateLimit] = {}
        self._objects: dict[tuple[str, str], dict[str, Any]] = {}
        self._counts: Counter[str] = Counter()

    def counts(self) -> dict[str, int]:
        """How often what came: kinds made, `changed …`, `duplicate …`, `refused_by_rate`."""
        with self._lock:
            return dict(self._counts)

    def objects(self, kind: str) -> list[dict[str, Any]]:
        with self._lock:
            return [content for (of, _), content in self._objects.items() if of == kind]

    def rate_headers(self, token: str) -> dict[str, str]:
        """Source: Genesys Cloud developer center, "Rate Limits"."""
        with self._lock:
            limit = self._limits.get(self._clients.get(token, ""))
            count = limit.count if limit is not None else 0
        headers = {"count": count, "allowed": self.rate_per_minute, "reset": 60}
        return {f"inin-ratelimit-{name}": str(value) for name, value in headers.items()}

    def token(self, authorization: str, form: str) -> Answer:
        """A token for the OAuth client's id and secret, given as HTTP Basic."""
        if parse_qs(form).get("grant_type") != ["client_credentials"]:
            return 400, {"error": "unsupported_grant_type"}
        client = _basic(authorization)
        if client != (settings.OAUTH_CLIENT_ID, settings.OAUTH_CLIENT_SECRET):
            return 401, {"error": "invalid_client"}
        token = secrets.token_hex(16)
        with self._lock:
            self._clients[token] = client[0]
        return 200, {"access_token": token, "token_type": "bearer", "expires_in": TOKEN_SECONDS}

    def answer(self, method: str, path: str, token: str, body: Mapping[str, Any]) -> Answer:
        with self._lock:
            client = self._clients.get(token)
            if client is None:
                return 401, {"message": "no valid token"}
            now = time.monotonic()
            limit = self._limits.setdefault(client, RateLimit(self.rate_per_minute, now))
            if not limit.is_kept(now):
                self._counts["refused_by_rate"] += 1
                return 429, {"message": "rate limit exceeded"}
            if method == "GET":
                return self._read(path, bool(body.get("is_other_org")))
            if method == "POST" and path in KINDS:
                return 200, self._make(KINDS[path], body)
            if method == "PATCH":
                return self._change(path, body)
        return 404, {"message": f"no {method} {path}"}

    def _read(self, path: str, is_other_org: bool) -> Answer:
        """What needs no permission, and the number of objects of a kind."""
        org = {
            "id": OTHER_ORG_ID if is_other_org else settings.ORG_ID,
            "name": "EXEC lab",
            "thirdPartyOrgName": "another" if is_other_org else settings.ORG_SHORT_NAME,
            "state": "active",
        }
        client = {"id": settings.OAUTH_CLIENT_ID, "name": "EX Engage Connector"}
        grant = {"role": {"name": ROLE}, "division": {"name": HOME_DIVISION}}
        fixed = {
            "/api/v2/organizations/me": org,
            "/api/v2/tokens/me": {"organization": org, "OAuthClient": client},
            "/api/v2/authorization/subjects/me": {"grants": [grant]},
        }
        if path in fixed:
            return 200, fixed[path]
        if path not in KINDS:
            return 404, {"message": f"no GET {path}"}
        total = sum(of == KINDS[path] for of, _ in self._objects)
        return 200, {"entities": [], "pageSize": 1, "pageNumber": 1, "total": total}

    def _make(self, kind: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """The object, the same one if it has been made before."""
        key = kind, str(body.get("externalId") or body.get("id") or uuid.uuid4())
        self._counts[f"duplicate {kind}" if key in self._objects else kind] += 1
        made = self._objects.setdefault(key, {"id": str(uuid.uuid4())})
        made.update({name: value for name, value in body.items() if name != "id"})
        return made

    def _change(self, path: str, body: Mapping[str, Any]) -> Answer:
        presence = PRESENCE.fullmatch(path)
        if presence:
            kind, wanted = "users", presence["id"]
        else:
            parent, _, wanted = path.rpartition("/")
            kind = KINDS.get(parent, "")
        for (of, _), content in self._objects.items():
            if of == kind and content["id"] == wanted:
                content.update(body)
                self._counts["presences" if presence else f"changed {kind}"] += 1
                return 200, content
        return 404, {"message": f"no {path}"}


def _basic(authorization: str) -> tuple[str, str]:
    try:
        text = base64.b64decode(authorization.removeprefix("Basic "), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    name, _, secret = text.partition(":")
    return name, secret


@click.command()
@with_options
@click.option("--certificate", required=True)
@click.option("--key", required=True)
@click.option("--rate-per-minute", type=int, default=settings.RATE_PER_MINUTE, show_default=True)
def main(
    bind: str, port: int, faults: Path, certificate: str, key: str, rate_per_minute: int
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    api, fault_file = Api(rate_per_minute), FaultFile(faults)

    def open_server() -> ApiServer:
        server = ApiServer((bind, port), ApiHandler)
        server.api, server.faults = api, fault_file
        # Not in the thread that takes connections: one who doesn't go on would stop them all.
        server.socket = context.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
        return server

    listen(open_server, fault_file)


class ApiServer(ThreadingHTTPServer):
    api: Api
    faults: FaultFile
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Who hangs up, or speaks no TLS, is no error of ours."""


class ApiHandler(BaseHTTPRequestHandler):
    server: ApiServer
    timeout = 10
    wbufsize = -1

    def do_GET(self) -> None:
        """The API's, and the lab's own view of what came: `/lab/counts`, `/lab/objects/<kind>`."""
        api = self.server.api
        place, _, kind = self.path.removeprefix("/lab/").partition("/")
        if self.path == "/lab/counts":
            self._send(200, api.counts())
        elif place == "objects" and kind in KINDS.values():
            self._send(200, api.objects(kind))
        else:
            self._take("GET")

    def do_POST(self) -> None:
        self._take("POST")

    def do_PATCH(self) -> None:
        self._take("PATCH")

    def _take(self, method: str) -> None:
        faults = self.server.faults
        faults.wait_while("hang")
        faults.delay()
        text = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
        wrong, error = faults.get("wrong_answer"), faults.get("error")
        if wrong is not None and wrong.get("kind") != "org":
            self._send(200, GARBAGE)
        elif (portal := faults.get("portal")) is not None:
            is_page = portal.get("form") == "page"
            self._send(200 if is_page else 302, PORTAL)
        elif error is not None and (self.path == TOKEN_PATH) == (error.get("at") == "token"):
            self._send(int(error.get("code", 403)), {"message": "so told by the fault"})
        else:
            self._send(*self._answer(method, text, wrong is not None))

    def _answer(self, method: str, text: str, is_other_org: bool) -> Answer:
        api, authorization = self.server.api, self.headers.get("Authorization", "")
        if self.path == TOKEN_PATH:
            return api.token(authorization, text)
        try:
            body = json.loads(text) if method != "GET" else {"is_other_org": is_other_org}
        except ValueError:
            body = None
        if not isinstance(body, dict):
            return 400, {"message": "the body is not a JSON object"}
        return api.answer(method, self.path.partition("?")[0], self._token, body)

    @property
    def _token(self) -> str:
        return self.headers.get("Authorization", "").removeprefix("Bearer ")

    def _send(self, code: int, body: Any) -> None:
        content = (body if isinstance(body, str) else json.dumps(body)).encode()
        self.send_response(code)
        for name, value in self.server.api.rate_headers(self._token).items():
            self.send_header(name, value)
        if code == 302:
            self.send_header("Location", "http://portal.invalid/sign-in")
        if body == PORTAL:
            self.send_header("Content-Type", "text/html")
        if code == 429:
            self.send_header("Retry-After", "1")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_args: Any) -> None:
        """Thousands of requests a sync: `/lab/counts` tells what came."""


if __name__ == "__main__":
    main()
