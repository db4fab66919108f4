"""What a service says of itself: /health and EXCS's /status, read from any body at all.

The vendor documents one /status answer and no /health body, so nothing here may fail on a body it
doesn't know: what can't be read is None or empty, and the gates take that for 'not yet'.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from pydantic import JsonValue

from stack.text import parse_time, plain_text

UP_WORDS = frozenset({"up", "ok", "healthy", "pass", "true"})
_UUID = re.compile(r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b")


@dataclass(frozen=True)
class Dependency:
    """One system that a service needs, in the service's own words."""

    name: str
    status: str
    detail: str = ""

    @property
    def is_up(self) -> bool:
        return self.status.lower() in UP_WORDS

    def __str__(self) -> str:
        word = f"{self.name} is {self.status or 'in an unknown state'}"
        return f"{word} ({self.detail})" if self.detail else word


@dataclass(frozen=True)
class Health:
    """/health: the dependencies it names, in its own order; version and uptime in its own words.
    Empty is what it doesn't name."""

    dependencies: tuple[Dependency, ...] = ()
    version: str = ""
    uptime: str = ""

    @property
    def down(self) -> tuple[Dependency, ...]:
        return tuple(dependency for dependency in self.dependencies if not dependency.is_up)


@dataclass(frozen=True)
class Phase:
    """One of the two halves of a sync: its status word, empty if unknown, and when it was so."""

    status: str = ""
    at: datetime | None = None

    @property
    def is_success(self) -> bool:
        return self.status == "Success"


@dataclass(frozen=True)
class Status:
    """/status of EXCS; an HWM is a high-water mark of the Config DB's history, in objects.

    `org_ids` are the UUIDs that its message names.
    Source: vendor's deployment page, "Run EXEC Services for First Time".
    """

    message: str = ""
    org_ids: tuple[str, ...] = ()
    sync: Phase = Phase()
    update: Phase = Phase()
    previous_hwm: int | None = None
    latest_hwm: int | None = None
    processed_hwm: int | None = None
    operation: str = ""


def parse_health(body: bytes) -> Health:
    """The dependencies named under `dependencies`, as a mapping by name or as a list, with
    `version` and `uptime`. Source: none, the vendor shows no /health body."""
    whole = _mapping(_json(body))
    found = whole.get("dependencies")
    if isinstance(found, Mapping):
        pairs: Iterator[tuple[JsonValue, JsonValue]] = iter(found.items())
    elif isinstance(found, list):
        pairs = ((_mapping(item).get("name"), item) for item in found)
    else:
        pairs = iter(())
    return Health(
        tuple(_dependency(name, value) for name, value in pairs),
        _scalar(whole.get("version")),
        _scalar(whole.get("uptime")),
    )


def parse_status(body: bytes) -> Status:
    """EXCS's status, with None and empty words in the place of what isn't there."""
    whole = _mapping(_json(body))
    data = _mapping(whole.get("data"))
    update = _mapping(data.get("updateStatus"))
    message = _mapping(whole.get("status")).get("message")
    return Status(
        message=plain_text(message),
        org_ids=tuple(_UUID.findall(message)) if isinstance(message, str) else (),
        sync=_phase(_mapping(data.get("syncStatus"))),
        update=_phase(update),
        previous_hwm=_whole_number(update.get("previousHWM")),
        latest_hwm=_whole_number(update.get("latestHWM")),
        processed_hwm=_whole_number(update.get("processedHWM")),
        operation=_scalar(update.get("operation")),
    )


def _json(body: bytes) -> JsonValue:
    try:
        parsed: JsonValue = json.loads(body.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None
    return parsed


def _mapping(value: JsonValue) -> Mapping[str, JsonValue]:
    return value if isinstance(value, Mapping) else {}


def _scalar(value: JsonValue) -> str:
    return "" if isinstance(value, Mapping | list) else plain_text(value)


def _dependency(name: JsonValue, value: JsonValue) -> Dependency:
    if isinstance(value, Mapping):
        status, detail = value.get("status"), value.get("detail")
    else:
        status, detail = value, None
    return Dependency(plain_text(name), plain_text(status), plain_text(detail))


def _phase(value: Mapping[str, JsonValue]) -> Phase:
    return Phase(plain_text(value.get("status")), parse_time(value.get("timeStamp")))


def _whole_number(value: JsonValue) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, float):
        return int(value) if math.isfinite(value) else None
    if isinstance(value, str):
        return int(value) if re.fullmatch(r"[0-9]{1,18}", value) else None
    return value if isinstance(value, int) else None
