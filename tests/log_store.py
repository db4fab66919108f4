"""A log store that takes lines as Loki and Elasticsearch do and keeps them for a test."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

LOG_STORE_PORT = 3100


@dataclass(frozen=True)
class Line:
    text: str
    labels: dict[str, str]
    login: str
    """`user:password`, '' without one."""


@contextmanager
def log_store(address: str, port: int = LOG_STORE_PORT) -> Iterator[list[Line]]:
    """The lines so far, in the order in which they came."""
    found: list[Line] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            header = self.headers.get("Authorization", "")
            login = base64.b64decode(header.removeprefix("Basic ")).decode()
            read = _of_loki if self.path == "/loki/api/v1/push" else _of_elasticsearch
            found.extend(Line(text, labels, login) for text, labels in read(body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Says nothing: what was received is kept."""

    server = ThreadingHTTPServer((address, port), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()


def _of_loki(body: str) -> Iterator[tuple[str, dict[str, str]]]:
    for stream in json.loads(body)["streams"]:
        for _, line in stream["values"]:
            yield line, stream["stream"]


def _of_elasticsearch(body: str) -> Iterator[tuple[str, dict[str, str]]]:
    for row in map(json.loads, body.splitlines()):
        if "message" in row:
            yield row["message"], row["fields"]
