"""A terminal of a test's own: types answers to a command and reads what it shows."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

CTRL_C = "\x03"


class Terminal:
    """`command` with a terminal as its stdin, stdout and stderr; `shown` is all that it showed."""

    def __init__(
        self, command: Sequence[str], cwd: Path, environment: Mapping[str, str], columns: int = 100
    ) -> None:
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
        self.shown = ""
        self._read_to = 0
        self.process = subprocess.Popen(
            ["setsid", "--ctty", "--wait", *command],
            cwd=cwd,
            env=environment,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
        )
        os.close(theirs)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self._ours)

    def expect(self, text: str, seconds: float = 20) -> str:
        """What was shown up to and with `text`, from where the last call ended."""
        deadline = time.monotonic() + seconds
        while text not in self.shown[self._read_to :]:
            assert time.monotonic() < deadline, f"waited for {text!r}; shown:\n{self.shown}"
            assert self._more(), f"ended without {text!r}; shown:\n{self.shown}"
        start, self._read_to = self._read_to, self.shown.index(text, self._read_to) + len(text)
        return self.shown[start : self._read_to]

    def type(self, text: str) -> None:
        os.write(self._ours, text.encode())

    def answer(self, question: str, text: str = "") -> str:
        """Types a line once `question` is asked; what was shown before."""
        before = self.expect(question)
        self.expect(": ")
        self.type(f"{text}\n")
        return before

    def interrupt(self) -> int:
        """Types Ctrl-C until the command has ended; its exit code.

        Once isn't always enough: Python looks for signals before it waits for a key, not between
        the prompt and that wait. A person presses it again, too.
        """
        deadline = time.monotonic() + 30
        while self.process.poll() is None:
            assert time.monotonic() < deadline, f"doesn't end; shown:\n{self.shown}"
            self.type(CTRL_C)
            pressed = time.monotonic()
            while time.monotonic() < pressed + 2 and self._more():
                if self.process.poll() is not None:
                    break
        return self.end()

    def end(self, seconds: float = 30) -> int:
        """The command's exit code."""
        deadline = time.monotonic() + seconds
        while self._more():
            assert time.monotonic() < deadline, f"doesn't end; shown:\n{self.shown}"
        return self.process.wait(seconds)

    def _more(self) -> bool:
        ready, _, _ = select.select([self._ours], [], [], 0.2)
        if not ready:
            return True
        try:
            data = os.read(self._ours, 65536)
        except OSError:  # every process of it has gone
            return False
        self.shown += data.decode(errors="replace").replace("\r\n", "\n")
        return bool(data)
