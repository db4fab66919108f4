"""What Stat Server's and SIP Server's stand-ins share: a TCP server of one JSON object a line."""

from __future__ import annotations

import json
import socketserver
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from lab.standins.faults import FaultFile

Hello = dict[str, Any]
Messages = Callable[[Hello], list[dict[str, Any]]]
"""What a client that said hello is sent now; called again and again."""

BEAT_SECONDS = 0.5

options = [
    click.option("--bind", default="127.0.0.1", show_default=True),
    click.option("--port", type=int, required=True),
    click.option("--faults", type=click.Path(path_type=Path), required=True, help="file to poll"),
]


def with_options(command: Callable[..., None]) -> Callable[..., None]:
    for option in reversed(options):
        command = option(command)
    return command


def serve(bind: str, port: int, faults: FaultFile, messages: Messages) -> None:
    """Answers each client's hello with a heartbeat and with what `messages` has, until killed."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            try:
                hello = json.loads(self.rfile.readline())
                while faults.get("crash") is None:
                    self._beat(hello)
                    time.sleep(BEAT_SECONDS)
            except (OSError, ValueError):
                return

        def _beat(self, hello: Hello) -> None:
            if faults.get("hang") is not None:
                return
            if (slow := faults.get("slow")) is not None:
                time.sleep(float(slow.get("seconds", 3)))
            for message in [{"alive": True}, *messages(hello)]:
                self.wfile.write(json.dumps(message).encode() + b"\n")

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = True
        daemon_threads = True
        request_queue_size = 64

        def verify_request(self, *_args: Any) -> bool:
            return faults.get("crash") is None

    with Server((bind, port), Handler) as server:
        server.serve_forever()


class Ticker:
    """Events that every client sees alike: one more each `interval_seconds`."""

    def __init__(self, interval_seconds: float) -> None:
        self._interval_seconds = interval_seconds
        self._lock = threading.Lock()
        self._seen: dict[int, int] = {}

    def new_for(self, client: int) -> range:
        """Numbers of the events since this client asked last; none at its first question."""
        now = int(time.time() / self._interval_seconds)
        with self._lock:
            last = self._seen.get(client, now)
            self._seen[client] = now
        return range(last, now)
