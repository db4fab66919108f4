"""A launcher as the host sees it: the process that the CLI takes for the plugin."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

STDOUT_AT = 9
"""Where a launcher keeps its stdout (bin/launcher)."""


class Launcher:
    """One launcher, waiting for the port of its plugin. OSError if it has ended already."""

    def __init__(self, name: str, process: int, engine: str) -> None:
        self.name = name
        self.engine = engine
        """Where the CLI's Engine service is, host:port."""
        self._process = process
        folder = Path("/proc", str(process))
        self.ended = os.pidfd_open(process)
        """A descriptor that is readable when the launcher has ended."""
        try:
            self.stdout = os.open(folder / "fd" / str(STDOUT_AT), os.O_WRONLY | os.O_CLOEXEC)
            self.stderr = os.open(folder / "fd/2", os.O_WRONLY | os.O_CLOEXEC)
            self.directory = str((folder / "cwd").readlink())
            words = (folder / "environ").read_bytes().split(b"\0")
        except OSError:
            os.close(self.ended)
            raise
        self.environment = dict(os.fsdecode(word).split("=", 1) for word in words if b"=" in word)
        """What the CLI gave to this plugin."""
        self.stop: Callable[[], object] = lambda: None
        """Ends what serves this launcher."""
        self._lock = threading.Lock()
        self._is_closed = False

    def tell(self, port: int) -> None:
        """Give the CLI the port of the plugin."""
        os.write(self.stdout, f"{port}\n".encode())

    def end(self, why: str) -> None:
        """End the launcher with a sentence, unless it has ended."""
        with self._lock, suppress(OSError):
            if self._is_closed:
                return
            with suppress(BrokenPipeError):  # nobody listens: its CLI was killed
                os.write(self.stderr, f"{self.name}: {why}\n".encode())
            signal.pidfd_send_signal(self.ended, signal.SIGTERM)

    def close(self) -> None:
        """Let go of it: the CLI waits until nobody holds its output."""
        with self._lock:
            self._is_closed = True
            for descriptor in (self.ended, self.stdout, self.stderr):
                os.close(descriptor)
