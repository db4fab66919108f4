"""Whether waiting for a container still has a point.

Docker starts a crashing container again for ever (`unless-stopped`, the pause doubling up to a
minute), so a bad image would cost the whole deadline of each gate.
"""

from __future__ import annotations

from health.gates.clock import Clock
from hosts.container import Container, ContainerState

LOOK_INTERVAL_SECONDS = 2.0
RESTARTS_THAT_TELL = 3
"""Chosen: one crash can be a race with a dependency, three while a gate looks on are a habit."""
ENDED_WORDS = frozenset({"exited", "dead", "created", "missing"})


class CrashWatch:
    """Looks at a container at most every 2 seconds and remembers what it saw.

    Restarts are counted from the first look on: a container that crashed all night and was put
    right since must not fail for its past.
    """

    def __init__(self, container: Container, clock: Clock) -> None:
        self._container = container
        self._clock = clock
        self._looked_at: float | None = None
        self._first: ContainerState | None = None
        self._last: ContainerState | None = None

    def hopeless(self) -> str:
        """Why the container won't come up by itself, '' as long as it may."""
        now = self._clock.seconds()
        if self._looked_at is not None and now - self._looked_at < LOOK_INTERVAL_SECONDS:
            return ""
        before, state = self._last, self._container.state()
        self._looked_at, self._last = now, state
        if not state.word:
            return ""
        if self._first is None:
            self._first = state
        if state.restarts - self._first.restarts >= RESTARTS_THAT_TELL:
            code = "" if state.exit_code is None else f"exit code {state.exit_code}, "
            return f"crashes again and again ({code}restarted {state.restarts} times)"
        # Twice: between a crash and the restart a container is 'exited' for a moment.
        if before is not None and before.word == state.word and state.word in ENDED_WORDS:
            return _ended(state)
        return ""


def _ended(state: ContainerState) -> str:
    if state.word == "missing":
        return "has no container any more: it was removed by hand"
    code = "" if state.exit_code is None else f", exit code {state.exit_code}"
    return f"has ended ({state.word}{code}) and Docker does not start it again"
