"""A copy of each record for syslog, where nobody who works here can change it."""

from __future__ import annotations

import json
import logging
import logging.handlers
from collections.abc import Mapping
from typing import Any

from exctl.errors import ExctlError
from exctl.history.chain import Record
from exctl.site import StackPlace, read_stack_file

LEFT_OUT = ("plan", "gates", "error", "images", "program")
"""What would make a record longer than syslog takes; its hash proves that too."""


def copied(place: StackPlace, record: Record) -> str:
    """Sends the record to where the stack file says; what went wrong with that, else ''."""
    target = target_of(place)
    if not target:
        return ""
    short = {name: value for name, value in record.items() if name not in LEFT_OUT}
    text = json.dumps({"stack": place.stack, **short}, ensure_ascii=False)
    try:
        handler = _Handler(_address(target), logging.handlers.SysLogHandler.LOG_AUTHPRIV)
    except OSError as error:
        return f"no copy went to syslog at {target}: {error.strerror}"
    handler.ident = "exctl: "
    try:
        handler.emit(logging.makeLogRecord({"msg": text, "levelname": "INFO"}))
    except OSError as error:
        return f"no copy went to syslog at {target}: {error.strerror}"
    finally:
        handler.close()
    return ""


def target_of(place: StackPlace) -> str:
    """What `audit.syslog` says; '' where it says nothing that can be read. The record of a run
    comes before the stack file is checked."""
    try:
        values, _ = read_stack_file(place.file)
        section: Mapping[str, Any] = json.loads(values.get("audit", "{}"))
        return str(section.get("syslog") or "")
    except (ExctlError, ValueError, AttributeError):
        return ""


def _address(target: str) -> str | tuple[str, int]:
    if target.startswith("/"):
        return target
    host, _, port = target.rpartition(":")
    return host.strip("[]"), int(port) if port.isdecimal() else logging.handlers.SYSLOG_UDP_PORT


class _Handler(logging.handlers.SysLogHandler):
    def handleError(self, _record: logging.LogRecord) -> None:
        """Whoever sends is told, instead of stderr."""
        raise
