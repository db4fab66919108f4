"""A service's log: to its file if LOG_PATH is set, and to stdout always, as containers do."""

from __future__ import annotations

import logging
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from .settings import Settings

LEVELS = {"trace": "DEBUG", "fatal": "CRITICAL"}
"""Where the vendor's levels are called otherwise than Python's."""


def start(settings: Settings) -> logging.Logger:
    """The service's logger; a file that can't be made is said on stdout and not fatal."""
    logger = logging.getLogger("service")
    level = settings.get("LOG_LEVEL", "info")
    known = logging.getLevelNamesMapping()
    logger.setLevel(known.get(LEVELS.get(level, level.upper()), logging.INFO))
    formatter = logging.Formatter("%(asctime)s.%(msecs)03dZ %(levelname)s %(message)s")
    formatter.converter = time.gmtime
    formatter.datefmt = "%Y-%m-%dT%H:%M:%S"
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stdout)]
    problem = ""
    if settings.get("LOG_PATH"):
        try:
            handlers.append(logging.FileHandler(_path(settings)))
        except OSError as error:
            problem = f"no log file: {error}"
    for handler in handlers:
        handler.setFormatter(formatter)
        logger.addHandler(handler)
    # A full disk must not fill stdout with tracebacks of the logger itself.
    logging.raiseExceptions = False
    if problem:
        logger.warning(problem)
    return logger


def _path(settings: Settings) -> Path:
    now = datetime.now(UTC)
    pattern = settings.get(settings.log_name_variable, f"{settings.service}.log")
    name = pattern.replace("%L", f"{now.microsecond // 1000:03d}")
    return Path(settings["LOG_PATH"]) / now.strftime(name)
