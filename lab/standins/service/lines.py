"""A TCP client that speaks one JSON object a line, to a primary server or else to its backup."""

from __future__ import annotations

import json
import logging
import socket
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

RETRY_SECONDS = 0.5
SILENCE_SECONDS = 10.0
"""A server sends something at least each second; longer silence means that it hangs."""


class LineClient:
    """Stays connected to the first address that answers, and hands on what comes."""

    def __init__(
        self,
        addresses: Sequence[tuple[str, int]],
        hello: Callable[[], dict[str, Any]],
        on_message: Callable[[dict[str, Any]], None],
    ) -> None:
        self._addresses = addresses
        self._hello = hello
        self._on_message = on_message
        self._connected = ""
        self._error = "not connected yet"

    def start(self) -> None:
        threading.Thread(target=self._run, daemon=True).start()

    def check(self) -> str:
        if not self._connected:
            raise ConnectionError(self._error)
        return self._connected

    def _run(self) -> None:
        while True:
            problems = []
            for host, port in self._addresses:
                try:
                    self._talk(host, port)
                except Exception as error:  # noqa: BLE001 the next address may serve
                    problems.append(f"{host}:{port}: {error}")
                self._connected = ""
            self._error = "; ".join(problems)
            time.sleep(RETRY_SECONDS)

    def _talk(self, host: str, port: int) -> None:
        with socket.create_connection((host, port), 2) as connection:
            connection.settimeout(SILENCE_SECONDS)
            connection.sendall(json.dumps(self._hello()).encode() + b"\n")
            for line in connection.makefile("r"):
                message = json.loads(line)
                if message.get("role") == "backup":
                    raise ConnectionError("is the backup and not serving")
                self._connected = f"{host}:{port}"
                if "event" in message:
                    self._hand_on(message)
        raise ConnectionError("closed the connection")

    def _hand_on(self, message: dict[str, Any]) -> None:
        try:
            self._on_message(message)
        except Exception as error:  # noqa: BLE001 one event that can't be handled doesn't end the rest
            logging.getLogger("service").error(f"event {message.get('id')}: {error}")


def addresses(text: str) -> list[tuple[str, int]]:
    """`primary:port/backup:port` as pairs."""
    pairs = (part.rpartition(":") for part in text.split("/"))
    return [(host, int(port)) for host, _, port in pairs]
