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
CONNECT_SECONDS = 2.0
SILENCE_SECONDS = 5.0
"""A server sends something every half second; longer silence means that it hangs."""


class LineClient:
    """Stays connected to the first address that answers, and hands on what comes."""

    def __init__(
        self,
        addresses: Sequence[tuple[str, int]],
        hello: Callable[[], dict[str, Any]],
        on_message: Callable[[dict[str, Any]], None],
        silence_seconds: float = SILENCE_SECONDS,
        retry_seconds: float = RETRY_SECONDS,
    ) -> None:
        self._addresses = addresses
        self._hello = hello
        self._on_message = on_message
        self._silence_seconds = silence_seconds
        self._retry_seconds = retry_seconds
        self._connection: socket.socket | None = None
        self._connected = ""
        self._error = "not connected yet"

    def start(self) -> None:
        threading.Thread(target=self._run, daemon=True).start()

    @property
    def is_connected(self) -> bool:
        return bool(self._connected)

    def check(self) -> str:
        """The address that serves us; ConnectionError, with a word on each, if none does."""
        if not self._connected:
            raise ConnectionError(self._error)
        return self._connected

    def say_hello_again(self) -> None:
        """Tells the server that what we want has changed; a new connection says it anyway."""
        connection = self._connection
        if connection is not None:
            connection.sendall(json.dumps(self._hello()).encode() + b"\n")

    def _run(self) -> None:
        while True:
            problems = []
            for host, port in self._addresses:
                try:
                    self._talk(host, port)
                except Exception as error:  # noqa: BLE001 the next address may serve
                    problems.append(f"{host}:{port} {_words(error)}")
                self._error = "; ".join(problems)
                self._connected, self._connection = "", None
            time.sleep(self._retry_seconds)

    def _talk(self, host: str, port: int) -> None:
        with socket.create_connection((host, port), CONNECT_SECONDS) as connection:
            connection.settimeout(self._silence_seconds)
            connection.sendall(json.dumps(self._hello()).encode() + b"\n")
            self._connection = connection
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


def _words(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "does not answer"
    if isinstance(error, ConnectionRefusedError):
        return "refuses connections"
    if isinstance(error, ValueError):
        return "answers what isn't its protocol"
    return str(error) or type(error).__name__


def addresses(text: str) -> list[tuple[str, int]]:
    """`primary:port/backup:port` as pairs; ValueError if it isn't that."""
    pairs = [part.rpartition(":") for part in text.strip().split("/")]
    if len(pairs) != 2 or not all(host and port.isdigit() for host, _, port in pairs):
        raise ValueError(f"{text!r} is not primary:port/backup:port")
    return [(host, int(port)) for host, _, port in pairs]
