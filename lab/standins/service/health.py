"""What a service needs, checked over and over: the source of its /health."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .faults import FaultFile

FAILURES_THAT_TELL = 2
"""In a row, of a dependency that was up: one lost packet on a busy host is no outage."""
Check = Callable[[], str]
"""Returns a detail if all is well; raises if not. An exception's words must hold no secret."""


@dataclass(frozen=True)
class Pace:
    """How often a dependency is checked."""

    interval_seconds: float = 0.5
    answer_seconds: float = 3.0
    """Beyond this a check counts as failed though it hasn't ended; it has 2 seconds itself."""


OURS = Pace()


@dataclass(frozen=True)
class Known:
    """What is known of every dependency at one moment: whether it is up, and a detail."""

    found: Mapping[str, tuple[bool, str]]

    @property
    def are_up(self) -> bool:
        return all(is_up for is_up, _ in self.found.values())

    def as_json(self) -> dict[str, Any]:
        return {
            name: {"status": "UP" if is_up else "DOWN", "detail": detail}
            for name, (is_up, detail) in self.found.items()
        }


class Dependencies:
    """All that a service needs, by name."""

    def __init__(self, checks: Mapping[str, Check], faults: FaultFile, pace: Pace = OURS) -> None:
        self._all = {n: CheckedDependency(n, check, faults, pace) for n, check in checks.items()}

    def start(self) -> None:
        for dependency in self._all.values():
            threading.Thread(target=dependency.watch, daemon=True).start()

    def now(self) -> Known:
        """Asked once for each answer, which would contradict itself otherwise."""
        return Known({name: dependency.now() for name, dependency in self._all.items()})


class CheckedDependency:
    """One system, checked by a thread of its own; what came of it last is kept."""

    def __init__(self, name: str, check: Check, faults: FaultFile, pace: Pace) -> None:
        self._name = name
        self._check = check
        self._faults = faults
        self._pace = pace
        self._found = (False, "not checked yet")
        self._failures = 0
        self._asked_at: float | None = None

    def now(self) -> tuple[bool, str]:
        asked_at = self._asked_at
        if asked_at is not None and time.monotonic() - asked_at > self._pace.answer_seconds:
            return False, f"no answer for {time.monotonic() - asked_at:.0f} s"
        return self._found

    def watch(self) -> None:
        while True:
            self._asked_at = time.monotonic()
            found = self._ask()
            self._asked_at = None
            self._failures = 0 if found[0] else self._failures + 1
            if found[0] or not self._found[0] or self._failures >= FAILURES_THAT_TELL:
                self._keep(found)
            time.sleep(self._pace.interval_seconds)

    def _ask(self) -> tuple[bool, str]:
        lost = self._faults.get("dependency_lost")
        if lost is not None and lost.get("name", self._name) == self._name:
            return False, "lost on purpose (fault dependency_lost)"
        try:
            return True, self._check()
        except Exception as error:  # noqa: BLE001 whatever it is: the dependency doesn't serve us
            return False, " ".join(str(error).split()) or type(error).__name__

    def _keep(self, found: tuple[bool, str]) -> None:
        if found != self._found:
            level, word = (logging.INFO, "up") if found[0] else (logging.ERROR, "DOWN")
            logging.getLogger("service").log(level, f"{self._name} {word}: {found[1]}")
        self._found = found
