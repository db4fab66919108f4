"""Where `--event-log` sends each event: a file, or a listener of the Automation API."""

from __future__ import annotations

import json
import queue
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from engine.codec import HIDDEN


class EventSink(Protocol):
    """Takes events in the CLI's JSON shape, without `sequence` and `timestamp`."""

    def put(self, event: dict[str, Any]) -> None: ...

    def flush(self) -> None: ...


class Numbered:
    """Adds `sequence` and `timestamp`, and leaves out what is meant for this process alone (keys
    that begin with an underscore)."""

    def __init__(self) -> None:
        self._sequence = 0
        self._lock = threading.Lock()

    def skip(self) -> int:
        """Use up one number, and return it."""
        with self._lock:
            number, self._sequence = self._sequence, self._sequence + 1
        return number

    def line(self, event: dict[str, Any]) -> str:
        """The event as one line of JSON."""
        full = {"sequence": self.skip(), "timestamp": int(time.time()), **public(event)}
        return json.dumps(full, ensure_ascii=False, separators=(",", ":"))


def is_internal(event: dict[str, Any]) -> bool:
    """True for an event of a step that the operator isn't told of."""
    return any(isinstance(body, dict) and "_internal" in body for body in event.values())


def public(value: Any) -> Any:
    """The event without entries meant for this process alone."""
    if isinstance(value, dict):
        return {k: v if k in _BAGS else public(v) for k, v in value.items() if _is_public(k)}
    return value


_BAGS = frozenset({"inputs", "outputs", "config", "detailedDiff", "resourceChanges"})


def _is_public(key: str) -> bool:
    return not key.startswith("_")


class Nowhere:
    """No event log was asked for."""

    def put(self, event: dict[str, Any]) -> None:
        """Drop it."""

    def flush(self) -> None:
        """Nothing waits."""


class FileLog:
    """One JSON object a line."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("w", encoding="utf-8")
        self._lock = threading.Lock()
        self._numbered = Numbered()

    def put(self, event: dict[str, Any]) -> None:
        """Write a line; a reader that follows the file sees it at once."""
        with self._lock:
            self._file.write(self._numbered.line(event) + "\n")
            self._file.flush()

    def flush(self) -> None:
        """Every line is out already."""

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class GrpcLog:
    """A stream to the Automation API's listener (`pulumirpc.Events.StreamEvents`)."""

    def __init__(self, address: str) -> None:
        import grpc

        from engine.protocol import OPTIONS, load

        self._messages = load("events_pb2")
        self._channel = grpc.insecure_channel(address, OPTIONS)
        stub = load("events_pb2_grpc").EventsStub(self._channel)
        self._queue: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._numbered = Numbered()
        self._call = stub.StreamEvents.future(self._requests())

    def _requests(self) -> Iterator[Any]:
        while (line := self._queue.get()) is not None:
            yield self._messages.EventRequest(event=line)

    def put(self, event: dict[str, Any]) -> None:
        """Send it."""
        self._queue.put(self._numbered.line(event))

    def flush(self) -> None:
        """Sent as they come."""

    def close(self) -> None:
        """End the stream once the listener has taken everything."""
        import grpc

        self._queue.put(None)
        try:
            self._call.result(timeout=10)
        except (grpc.RpcError, grpc.FutureTimeoutError):
            print("warning: the listener of --event-log went away")
        self._channel.close()


@contextmanager
def open_event_log(target: str | None) -> Iterator[EventSink]:
    """The sink that `--event-log` names."""
    if not target:
        yield Nowhere()
        return
    log: FileLog | GrpcLog
    if target.startswith("tcp://"):
        log = GrpcLog(target.removeprefix("tcp://"))
    else:
        log = FileLog(Path(target.removeprefix("file://")))
    try:
        yield log
    finally:
        log.close()


def masked(value: Any) -> Any:
    """Event data with each sealed secret as `[secret]`."""
    if isinstance(value, dict):
        if "1b47061264138c4ac30d75fd1eb44270" in value.values():
            return HIDDEN
        return {k: masked(v) for k, v in value.items()}
    if isinstance(value, list):
        return [masked(v) for v in value]
    return value
