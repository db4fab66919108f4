"""A service's HTTP port: /health, /metrics, and whatever else the service serves."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from .faults import FaultFile

Reply = tuple[int, Any]
Page = Callable[[Mapping[str, str]], Reply]
"""Query parameters → status code and body: a text, or what becomes JSON."""
GARBAGE = "<html>It works!</html>"


def serve(port: int, pages: Mapping[str, Page], faults: FaultFile) -> ThreadingHTTPServer:
    """A server on all addresses, already answering; OSError if the port is taken."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Headers and body in one packet: else the client's delayed ACK costs 40 ms.
        wbufsize = -1

        def do_GET(self) -> None:
            faults.wait_while("hang")
            faults.delay()
            wrong = faults.get("wrong_answer")
            if wrong is not None and wrong.get("kind", "garbage") == "garbage":
                self._send(200, GARBAGE)
                return
            url = urlsplit(self.path)
            self._send(*_reply(pages.get(url.path), url.path, dict(parse_qsl(url.query))))

        def _send(self, code: int, body: Any) -> None:
            is_text = isinstance(body, str)
            content = (body if is_text else json.dumps(body)).encode()
            self.send_response(code)
            self.send_header("Content-Type", "text/plain" if is_text else "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:
            """Probes come every second: they don't belong in the log."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 64

        def handle_error(self, request: Any, client_address: Any) -> None:
            """A prober that hangs up before the answer is no error of ours."""

    server = Server(("", port), Handler)
    threading.Thread(target=server.serve_forever, args=[0.1], daemon=True).start()
    return server


def _reply(page: Page | None, path: str, query: Mapping[str, str]) -> Reply:
    if page is None:
        return 404, {"error": f"no page {path}"}
    try:
        return page(query)
    except Exception as error:  # noqa: BLE001 what the page needs is away: the caller is told so
        return 503, {"error": " ".join(str(error).split()) or type(error).__name__}
