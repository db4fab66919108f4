"""Worker threads that don't keep the process alive: a second interrupt ends it at once."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable


class Pool:
    """At most `size` threads, begun as they're needed; what is submitted must not raise."""

    def __init__(self, size: int) -> None:
        self._size = max(size, 1)
        self._tasks: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._threads = 0
        self._free = 0

    def submit(self, task: Callable[[], None]) -> None:
        """Do it as soon as a thread is free."""
        with self._lock:
            if self._free > 0:
                self._free -= 1
            elif self._threads < self._size:
                self._threads += 1
                threading.Thread(target=self._work, daemon=True).start()
        self._tasks.put(task)

    def _work(self) -> None:
        while True:
            self._tasks.get()()
            with self._lock:
                if self._tasks.qsize() == 0:
                    self._free += 1
