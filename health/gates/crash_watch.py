"""Whether waiting for a container still has a point.

Docker starts a crashing container again for ever (`unless-stopped`, the pause doubling up to a
minute), so a bad image would cost the whole deadline of each gate.
"""

from __future__ import annotations

from dataclasses import dataclass

from health.errors import GateCode
from health.gates.clock import Clock
from hosts.container import NOT_LOOKED, ContainerState, GatedContainer

LOOK_INTERVAL_SECONDS = 2.0
RESTARTS_THAT_TELL = 3
"""Chosen: one crash can be a race with a dependency, three while a gate looks on are a habit."""
GONE_SECONDS = 5.0
"""Chosen: between a crash and the restart a container is 'exited' for a moment, and a Docker daemon
that is being restarted says so of all its containers until it is down.
"""


@dataclass(frozen=True)
class Hopeless:
    """Why a container won't come up by itself."""

    code: GateCode
    text: str


class CrashWatch:
    """Looks at a container at most every 2 seconds and remembers what it saw.

    Restarts are counted from the first look on: a container that crashed all night and was put
    right since must not fail for its past.
    """

    def __init__(self, container: GatedContainer, clock: Clock) -> None:
        self._container = container
        self._clock = clock
        self._looked_at = -LOOK_INTERVAL_SECONDS
        self._first: ContainerState | None = None
        self._last = NOT_LOOKED
        self._gone_since: float | None = None
        self._crash_code: int | None = None

    def look(self) -> ContainerState:
        """Its state, at most 2 seconds old."""
        now = self._clock.seconds()
        if now - self._looked_at >= LOOK_INTERVAL_SECONDS:
            self.note(self._container.state())
        return self._last

    def note(self, state: ContainerState) -> None:
        """Takes in a state that was looked at."""
        self._looked_at = now = self._clock.seconds()
        if not state.is_gone:
            self._gone_since = None
        elif self._gone_since is None or state.word != self._last.word:
            self._gone_since = now
        self._last = state
        if state.is_known and self._first is None:
            self._first = state
        # Once it runs again, Docker says 0: the code of the crash is gone then.
        if state.word != "running" and state.exit_code is not None:
            self._crash_code = state.exit_code

    def hopeless(self) -> Hopeless | None:
        """Why the container won't come up by itself, None as long as it may."""
        state = self._last
        if self._first is None or not state.is_known:
            return None
        if state.restarts - self._first.restarts >= RESTARTS_THAT_TELL:
            code = "" if self._crash_code is None else f"exit code {self._crash_code}, "
            text = f"crashes again and again ({code}restarted {state.restarts} times)"
            return Hopeless(GateCode.CRASHES, text)
        gone_seconds = 0.0 if self._gone_since is None else self._looked_at - self._gone_since
        if gone_seconds >= GONE_SECONDS:
            return Hopeless(GateCode.ENDED, _ended(state))
        return None


def _ended(state: ContainerState) -> str:
    if state.word == "missing":
        return "has no container any more: it was removed by hand"
    code = "" if state.exit_code is None else f", exit code {state.exit_code}"
    return f"has ended ({state.word}{code}) and Docker does not start it again"
