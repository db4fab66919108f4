"""How many logins are under way at once.

sshd drops unauthenticated connections at random from the tenth on (MaxStartups), and many hosts may
share one gateway: so all hosts together get few. A host that doesn't answer at all has no handshake
under way, and gives its place to another.
"""

from __future__ import annotations

import subprocess
import threading
import time
from contextlib import suppress
from pathlib import Path

AT_ONCE = 4
KNOCKING_SECONDS = 1.5
"""Chosen: Linux asks a second time after one."""
_PLACES = threading.BoundedSemaphore(AT_ONCE)
_SYN_SENT = "02"


class Slot:
    """The right to one of the handshakes."""

    def __enter__(self) -> Slot:
        _PLACES.acquire()
        self._is_held = True
        return self

    def __exit__(self, *_: object) -> None:
        self.give_back()

    def give_back(self) -> None:
        """Let another host have it."""
        if self._is_held:
            self._is_held = False
            _PLACES.release()


def ends(process: subprocess.Popen[bytes], timeout_seconds: float, place: Slot) -> bool:
    """True once the process has ended; False if it had to be killed."""
    deadline = time.monotonic() + timeout_seconds
    while (left := deadline - time.monotonic()) > 0:
        with suppress(subprocess.TimeoutExpired):
            process.wait(min(left, KNOCKING_SECONDS))
            return True
        if is_unanswered(process.pid):
            place.give_back()
    process.kill()
    process.wait()
    return False


def is_unanswered(pid: int) -> bool:
    """True while a process has a TCP connection that the other end hasn't answered yet."""
    try:
        links = [str(entry.readlink()) for entry in Path(f"/proc/{pid}/fd").iterdir()]
        tables = [Path(f"/proc/{pid}/net/{name}").read_text() for name in ("tcp", "tcp6")]
    except OSError:
        return False
    waiting = (line.split() for table in tables for line in table.splitlines()[1:])
    return any(f[3] == _SYN_SENT and f"socket:[{f[9]}]" in links for f in waiting)
