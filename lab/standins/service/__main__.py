"""`python3 -m service excs|exas|excp`: the process in a stand-in's container."""

from __future__ import annotations

import signal
import sys
import threading
import time
from typing import Any

from . import log
from .exas import AgentStates
from .excp import Conversations
from .excs import Sync
from .faults import FaultFile
from .health import Dependencies
from .settings import Settings, crashes_at_start, version
from .web import Reply, serve

START_SECONDS = 1.0
"""The vendor's services take a moment to start; so do these."""
FILENAME_VARIABLES = {"excs": "LOG_FILENAME", "exas": "LOG_FILENAME", "excp": "LOG_FILE_NAME"}


def main(service: str) -> None:
    settings = Settings()
    logger = log.start(settings, FILENAME_VARIABLES[service])
    logger.info(f"{service} {version()} starts, tenant {settings['TENANT_ID']}")
    faults = FaultFile(settings.faults_path)
    if crashes_at_start():
        logger.critical("cannot start: module conversation.core is missing from this image")
        raise SystemExit(1)
    if faults.get("crash") is not None:
        logger.critical("ends on purpose (fault crash)")
        raise SystemExit(1)
    time.sleep(START_SECONDS)
    part = _part(service, settings, faults)
    dependencies = Dependencies(part.checks(), faults)
    pages: dict[str, Any] = {
        "/health": lambda _query: _health(service, dependencies),
        "/metrics": lambda _query: (200, _metrics(service, dependencies, part.metrics())),
    }
    if isinstance(part, Sync):
        pages |= {"/status": part.status_page, "/translate": part.translate_page}
    serve(int(settings["PORT"]), pages, faults)
    dependencies.start()
    part.start()
    logger.info(f"listens on port {settings['PORT']}")
    ends = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ends.set())
    while not ends.wait(0.2):
        if faults.get("crash") is not None:
            logger.critical("ends on purpose (fault crash)")
            raise SystemExit(1)
    logger.info("ends, as it was told to")


def _part(
    service: str, settings: Settings, faults: FaultFile
) -> Sync | AgentStates | Conversations:
    if service == "excs":
        return Sync(settings, faults)
    return AgentStates(settings) if service == "exas" else Conversations(settings)


def _health(service: str, dependencies: Dependencies) -> Reply:
    up = dependencies.are_up
    return 200 if up else 503, {
        "status": "UP" if up else "DOWN",
        "service": service,
        "version": version(),
        "dependencies": dependencies.as_json(),
    }


def _metrics(service: str, dependencies: Dependencies, own: dict[str, float]) -> str:
    values = {f"{service}_up": float(dependencies.are_up), **own}
    return "".join(f"{name} {value:g}\n" for name, value in values.items())


if __name__ == "__main__":
    main(sys.argv[1])
