"""What a service needs, checked over and over: the source of its /health."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

from .faults import FaultFile

INTERVAL_SECONDS = 0.5
Check = Callable[[], str]
"""Returns a detail if all is well; raises if not. An exception's words must hold no secret."""


class Dependencies:
    """Runs each check in a thread of its own and keeps what came of it last."""

    def __init__(self, checks: dict[str, Check], faults: FaultFile) -> None:
        self._checks = checks
        self._faults = faults
        self._found: dict[str, tuple[bool, str]] = dict.fromkeys(checks, (False, "not checked yet"))

    def start(self) -> None:
        for name in self._checks:
            threading.Thread(target=self._watch, args=[name], daemon=True).start()

    def _watch(self, name: str) -> None:
        logger = logging.getLogger("service")
        pause = threading.Event()
        while True:
            lost = self._faults.get("dependency_lost")
            try:
                if lost is not None and lost.get("name", name) == name:
                    raise ConnectionError("lost on purpose (fault dependency_lost)")
                found = True, self._checks[name]()
            except Exception as error:  # noqa: BLE001 whatever it is: the dependency doesn't serve us
                found = False, " ".join(str(error).split()) or type(error).__name__
            if found != self._found[name]:
                word = "up" if found[0] else "DOWN"
                logger.log(
                    logging.INFO if found[0] else logging.ERROR, f"{name} {word}: {found[1]}"
                )
            self._found[name] = found
            pause.wait(INTERVAL_SECONDS)

    @property
    def are_up(self) -> bool:
        return all(is_up for is_up, _ in self._found.values())

    def as_json(self) -> dict[str, Any]:
        return {
            name: {"status": "UP" if is_up else "DOWN", "detail": detail}
            for name, (is_up, detail) in self._found.items()
        }
