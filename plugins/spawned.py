"""The program, or dynamic providers, in another Python than the host's."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from plugins.zygote import written

PROGRAM = str(Path(__file__).with_name("program.py"))


class Spawned:
    """A process of that Python."""

    def __init__(self, process: subprocess.Popen[bytes], lifeline: int) -> None:
        self._process = process
        self._lifeline: int | None = lifeline

    def wait(self) -> int | None:
        """Its exit code, negative for a signal's number."""
        return self._process.wait()

    def interrupt(self) -> None:
        """Interrupt it, if it runs."""
        self._process.send_signal(signal.SIGINT)

    def end(self) -> None:
        """End it at once."""
        if self._lifeline is not None:
            os.close(self._lifeline)
        self._lifeline = None


def starter(python: str) -> Callable[[dict[str, Any], int, int], Spawned]:
    """What starts a process of this Python, as Zygote.fork does of the host's. OSError if that
    can't be started."""

    def start(order: dict[str, Any], stdout: int, stderr: int) -> Spawned:
        lifeline_reader, lifeline = os.pipe()
        sheet = written(order)
        try:
            process = subprocess.Popen(
                [python, "-u", PROGRAM, str(lifeline_reader)],
                stdin=sheet,
                stdout=stdout,
                stderr=stderr,
                pass_fds=[lifeline_reader],
                env=order["environment"],
                start_new_session=True,
            )
        finally:
            os.close(sheet)
            os.close(lifeline_reader)
        return Spawned(process, lifeline)

    return start
