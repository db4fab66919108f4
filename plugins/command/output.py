"""What a command prints: kept for the state, and shown line by line while it runs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Literal

Stream = Literal["stdout", "stderr"]
BOTH: tuple[Stream, Stream] = ("stdout", "stderr")
SHOWN: Mapping[str | None, tuple[Stream, ...]] = {
    None: BOTH,
    "stdoutAndStderr": BOTH,
    "stdout": ("stdout",),
    "stderr": ("stderr",),
    "none": (),
}
"""The streams that are shown, by the input `logging`."""


@dataclass(frozen=True)
class Printed:
    """What a command printed, without the one newline at the end of each stream."""

    stdout: str
    stderr: str


class CommandError(Exception):
    """A command that failed, or couldn't be run; the text is what the operator reads."""


class Output:
    """What a running command prints. Streams may be fed from several threads."""

    def __init__(self, shown: Collection[Stream], show: Callable[[str], None]) -> None:
        self._shown = shown
        self._show = show
        self._lock = threading.Lock()
        self._pieces: list[tuple[Stream, bytes]] = []

    def feed(self, stream: Stream, line: bytes) -> None:
        """Take one line, with its newline if it has one."""
        with self._lock:  # shown in the order in which they came
            self._pieces.append((stream, line))
            if stream in self._shown:
                self._show(line.decode(errors="replace").rstrip("\r\n"))

    def printed(self) -> Printed:
        """All of it, by stream."""
        return Printed(*(self._text(stream).removesuffix("\n") for stream in BOTH))

    def failed(self, how: str, command: str) -> CommandError:
        """The error of a command that ended like this, with all it printed."""
        return CommandError(f"{how}: running {quoted(command)}:\n{self._text()}")

    def _text(self, only: Stream | None = None) -> str:
        with self._lock:
            pieces = [piece for stream, piece in self._pieces if only in (None, stream)]
        return b"".join(pieces).decode(errors="replace")


def quoted(text: str) -> str:
    """The text in double quotes, as Go's %q writes it."""
    escaped = text.translate(
        {ord("\\"): "\\\\", ord('"'): '\\"', ord("\n"): "\\n", ord("\t"): "\\t"}
    )
    return f'"{escaped}"'
