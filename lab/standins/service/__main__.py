"""`python3 -m service excs|exas|excp`: the process in a stand-in's container."""

from __future__ import annotations

import logging
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from typing import NoReturn, Protocol

from . import log
from .exas import AgentStates
from .excp import Conversations
from .excs import ConfigSync
from .faults import POLL_SECONDS, CrashSwitch, FaultFile
from .health import Check, Dependencies
from .settings import Settings, crashes_at_start, version
from .web import Page, Reply, serve

START_SECONDS = {"excs": 1.5, "exas": 1.2, "excp": 1.5}
"""The vendor's services take a moment to start; so do these."""


class StandIn(Protocol):
    """What each of the three services is to the process that runs it."""

    def checks(self) -> Mapping[str, Check]: ...
    def pages(self) -> Mapping[str, Page]: ...
    def metrics(self) -> Mapping[str, float]: ...
    def start(self) -> None: ...


SERVICES: Mapping[str, Callable[[Settings, FaultFile], StandIn]] = {
    "excs": ConfigSync,
    "exas": lambda settings, _faults: AgentStates(settings),
    "excp": lambda settings, _faults: Conversations(settings),
}


def main(name: str) -> None:
    # First of all: the kernel drops a signal to a container's first process that it doesn't handle.
    ends = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ends.set())
    settings = Settings(name)
    logger = log.start(settings)
    logger.info(f"{name} {version()} starts, tenant {settings.get('TENANT_ID', '?')}")
    faults = FaultFile(settings.faults_path)
    _refuse_what_can_not_work(settings, faults)
    crash = CrashSwitch(faults)
    if not ends.wait(START_SECONDS[name]):
        _run(name, settings, faults)
    while not ends.wait(POLL_SECONDS):
        if crash.is_thrown():
            _end("ends on purpose (fault crash)", 1)
    logger.info("ends, as it was told to")


def _refuse_what_can_not_work(settings: Settings, faults: FaultFile) -> None:
    if crashes_at_start():
        _end("cannot start: module conversation.core is missing from this image", 1)
    if faults.get("crash_at_start") is not None:
        _end("ends on purpose (fault crash_at_start)", 1)
    problems = settings.problems()
    for problem in problems[:-1]:
        logging.getLogger("service").critical(problem)
    if problems:
        _end(problems[-1], 2)


def _run(name: str, settings: Settings, faults: FaultFile) -> None:
    """Starts all that the service consists of, in threads of their own."""
    service = SERVICES[name](settings, faults)
    dependencies = Dependencies(service.checks(), faults)
    pages: dict[str, Page] = {
        **service.pages(),
        "/health": lambda _query: _health(name, dependencies),
        "/metrics": lambda _query: (200, _metrics(name, dependencies, service.metrics())),
    }
    try:
        serve(int(settings["PORT"]), pages, faults)
    except OSError as error:
        _end(f"cannot listen on port {settings['PORT']}: {error.strerror}", 1)
    dependencies.start()
    service.start()
    logging.getLogger("service").info(f"listens on port {settings['PORT']}")


def _end(problem: str, code: int) -> NoReturn:
    logging.getLogger("service").critical(problem)
    raise SystemExit(code)


def _health(name: str, dependencies: Dependencies) -> Reply:
    known = dependencies.now()
    return 200 if known.are_up else 503, {
        "status": "UP" if known.are_up else "DOWN",
        "service": name,
        "version": version(),
        "dependencies": known.as_json(),
    }


def _metrics(name: str, dependencies: Dependencies, own: Mapping[str, float]) -> str:
    """Prometheus's text format; a name that ends in `_total` only ever grows."""
    known = dependencies.now()
    lines = [f"# TYPE {name}_dependency_up gauge"]
    for dependency, (is_up, _) in known.found.items():
        lines.append(f'{name}_dependency_up{{dependency="{dependency}"}} {int(is_up)}')
    for metric, value in {f"{name}_up": float(known.are_up), **own}.items():
        kind = "counter" if metric.endswith("_total") else "gauge"
        lines += [f"# TYPE {metric} {kind}", f"{metric} {value:g}"]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in SERVICES:
        sys.exit(f"usage: python3 -m service {'|'.join(SERVICES)}")
    main(sys.argv[1])
