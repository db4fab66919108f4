"""A service's HTTP port: /health, /metrics, and whatever else the service serves."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from .faults import FaultFile

Reply = tuple[int, Any]
Page = Callable[[dict[str, str]], Reply]
"""Query parameters → status code and body: a text, or what becomes JSON."""


def serve(port: int, pages: Mapping[str, Page], faults: FaultFile) -> ThreadingHTTPServer:
    """A server on all addresses, already answering."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if faults.get("hang") is not None:
                threading.Event().wait(300)
            if (slow := faults.get("slow")) is not None:
                time.sleep(float(slow.get("seconds", 3)))
            wrong = faults.get("wrong_answer")
            url = urlsplit(self.path)
            page = pages.get(url.path)
            reply: Reply
            if wrong is not None and wrong.get("kind", "garbage") == "garbage":
                reply = 200, "<html>It works!</html>"
            elif page is None:
                reply = 404, {"error": f"no page {url.path}"}
            else:
                reply = page(dict(parse_qsl(url.query)))
            self._send(*reply)

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
