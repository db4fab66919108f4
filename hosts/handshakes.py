"""How many logins are under way at once, here and at each sshd.

sshd drops some of many logins that begin at once (MaxStartups, 10:30:100 by default), and every
host behind one jump host logs in at that host's sshd. Once a host has its shared connection,
further commands cost no login and pass in milliseconds.
"""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Generic, TypeVar

AT_ONCE = 8
"""Chosen: 50 hosts take seconds, and two cores aren't held up by key exchange."""
AT_ONE_SSHD = 4
"""Chosen: below the 10 of sshd's MaxStartups, with room for a Pulumi run beside it."""
ASK_SECONDS = 5

Failed = TypeVar("Failed")


@dataclass
class _Door(Generic[Failed]):
    """One host's login: one at a time, since the others then share its connection."""

    sshd: threading.Semaphore
    lock: threading.Lock = field(default_factory=threading.Lock)
    failed_at: float = 0.0
    failure: Failed | None = None


class Turn(Generic[Failed]):
    """The right to log in now. `failure`: another command has just failed to, for both."""

    def __init__(self, door: _Door[Failed], held: ExitStack, failure: Failed | None) -> None:
        self._door, self._held, self.failure = door, held, failure

    def logged_in(self) -> None:
        """Lets the next one go on."""
        self._held.close()

    def failed(self, failure: Failed) -> None:
        """Also answers whoever waited for this login meanwhile."""
        self._door.failed_at, self._door.failure = time.monotonic(), failure


class Handshakes(Generic[Failed]):
    """The logins of this process."""

    def __init__(self, at_once: int = AT_ONCE, at_one_sshd: int = AT_ONE_SSHD) -> None:
        self._at_once = threading.Semaphore(at_once)
        self._at_one_sshd = at_one_sshd
        self._sshds: dict[str, threading.Semaphore] = {}
        self._doors: dict[tuple[str, ...], _Door[Failed]] = {}
        self._lock = threading.Lock()

    @contextmanager
    def turn(self, ssh: Sequence[str]) -> Iterator[Turn[Failed]]:
        """Waits until this command may log in; `ssh` is the command with the destination."""
        arrived = time.monotonic()
        door = self._door(tuple(ssh))
        with ExitStack() as held:
            held.enter_context(door.lock)
            if door.failed_at > arrived:
                yield Turn(door, held, door.failure)
                return
            held.enter_context(door.sshd)
            held.enter_context(self._at_once)
            yield Turn(door, held, None)

    def _door(self, ssh: tuple[str, ...]) -> _Door[Failed]:
        name = sshd_of(ssh)
        with self._lock:
            sshd = self._sshds.setdefault(name, threading.Semaphore(self._at_one_sshd))
            return self._doors.setdefault(ssh, _Door(sshd))


@cache
def sshd_of(ssh: tuple[str, ...]) -> str:
    """The sshd that a login counts at: the jump host's where ssh_config names one, as `ssh -G`
    says; else the host's own."""
    try:
        said = subprocess.run(
            [*ssh[:-1], "-G", ssh[-1]],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=ASK_SECONDS,
            text=True,
            errors="replace",
            check=False,
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ssh[-1]
    settings = dict(line.partition(" ")[::2] for line in said.splitlines())
    for name in ("proxyjump", "proxycommand"):
        if settings.get(name, "none") != "none":
            return settings[name].replace(ssh[-1].rpartition("@")[2], "")
    return f"{settings.get('hostname', ssh[-1])}:{settings.get('port', '')}"
