"""What Stat Server's and SIP Server's stand-ins share: a TCP server of one JSON object a line."""

from __future__ import annotations

import json
import select
import socketserver
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from lab.standins.faults import FaultFile

Hello = dict[str, Any]
Session = Callable[[Hello], list[dict[str, Any]]]
"""What one client is sent now, by the hello it said last; called again and again."""

BEAT_SECONDS = 0.5
POLL_SECONDS = 0.2

options = [
    click.option("--bind", default="127.0.0.1", show_default=True),
    click.option("--port", type=int, required=True),
    click.option("--faults", type=click.Path(path_type=Path), required=True, help="file to poll"),
]


def with_options(command: Callable[..., None]) -> Callable[..., None]:
    for option in reversed(options):
        command = option(command)
    return command


def serve(bind: str, port: int, faults: FaultFile, new_session: Callable[[], Session]) -> None:
    """Answers each client's hello with a heartbeat and what its session has, until killed."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            try:
                hello, session = json.loads(self.rfile.readline()), new_session()
                while faults.get("crash") is None:
                    self._beat(session(hello))
                    if select.select([self.connection], [], [], BEAT_SECONDS)[0]:
                        hello = json.loads(self.rfile.readline())
            except (OSError, ValueError):
                return  # it hung up, or speaks something else

        def _beat(self, messages: list[dict[str, Any]]) -> None:
            faults.delay()
            if faults.get("hang") is not None:
                return
            if faults.get("wrong_answer") is not None:
                self.wfile.write(b"what is this?\n")
            for message in [{"alive": True}, *messages]:
                self.wfile.write(json.dumps(message).encode() + b"\n")

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = True
        daemon_threads = True
        request_queue_size = 64

    listen(lambda: Server((bind, port), Handler), faults)


def listen(open_server: Callable[[], socketserver.BaseServer], faults: FaultFile) -> None:
    """Serves for ever; while `crash` is set the port is closed, as that of an ended process is."""
    while True:
        faults.wait_while("crash")
        with open_server() as server:
            threading.Thread(target=server.serve_forever, args=[0.1], daemon=True).start()
            while faults.get("crash") is None:
                time.sleep(POLL_SECONDS)
            server.shutdown()


class Events:
    """Numbers of the events since it was asked last: one more each `interval_seconds`.

    They come from the clock: primary and backup, and both instances of a pair, see the same ones.
    """

    def __init__(self, interval_seconds: float) -> None:
        self._interval_seconds = interval_seconds
        self._last = self._now()

    def new(self) -> range:
        last, self._last = self._last, self._now()
        return range(last, self._last)

    def _now(self) -> int:
        return int(time.time() / self._interval_seconds)
