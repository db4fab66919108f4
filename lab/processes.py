"""Processes that the lab starts for a while, and waiting until something answers."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from lab.errors import LabError


@contextmanager
def running(argv: list[str], log_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that ends with the block; its words go to a log."""
    with log_path.open("ab") as log:
        process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for(what: str, is_there: Callable[[], bool], seconds: float = 60) -> None:
    """Returns once `is_there()`; an OSError counts as not yet. Raises LabError when time is up."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            if is_there():
                return
        except OSError:
            pass
        if time.monotonic() > deadline:
            raise LabError(f"{what} did not answer within {seconds:.0f} s")
        time.sleep(0.05)


def accepts(address: str, port: int, timeout_seconds: float = 0.5) -> bool:
    """Whether something listens there."""
    try:
        with socket.create_connection((address, port), timeout_seconds):
            return True
    except OSError:
        return False


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
