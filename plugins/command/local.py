"""Commands on this machine."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Mapping
from contextlib import suppress
from typing import IO, Any

from plugins.command.output import CommandError, Output, Stream, quoted

SHELL = ("/bin/sh", "-c")
GRACE_SECONDS = 5
"""How long an ended command may take to clean up before it is killed."""


class Local:
    """Runs commands of this machine, each in a process group of its own."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[bytes]] = set()

    def run(
        self,
        command: str,
        inputs: Mapping[str, Any],
        variables: Mapping[str, str],
        output: Output,
        timeout_seconds: float | None,
    ) -> None:
        """Run it to its end. CommandError if it fails or can't be run."""
        words = [*(inputs.get("interpreter") or SHELL), command]
        try:
            process = subprocess.Popen(
                words,
                cwd=inputs.get("dir"),
                env={**os.environ, **variables},
                stdin=subprocess.PIPE if inputs.get("stdin") else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as problem:
            where = problem.filename or words[0]
            raise CommandError(
                f"{where}: {problem.strerror}: running {quoted(command)}:\n"
            ) from None
        with self._lock:
            self._running.add(process)
        readers = [
            _reader(process.stdout, "stdout", output),
            _reader(process.stderr, "stderr", output),
        ]
        try:
            _write(process.stdin, str(inputs.get("stdin") or ""))
            code = process.wait(timeout_seconds)
        except subprocess.TimeoutExpired:
            _end(process)
            raise output.failed(f"no end within {timeout_seconds:.0f} s", command) from None
        finally:
            for reader in readers:
                reader.join()
            with self._lock:
                self._running.discard(process)
        if code:
            raise output.failed(how_it_ended(code), command)

    def end_all(self) -> None:
        """End what runs, as an operator's interruption does."""
        with self._lock:
            running = list(self._running)
        for process in running:
            _end(process)


def how_it_ended(code: int) -> str:
    """As Go says it."""
    if code >= 0:
        return f"exit status {code}"
    return f"signal: {(signal.strsignal(-code) or str(-code)).lower()}"


def _reader(stream: IO[bytes] | None, name: Stream, output: Output) -> threading.Thread:
    assert stream is not None

    def read() -> None:
        with stream:
            for line in stream:
                output.feed(name, line)

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    return thread


def _write(stdin: IO[bytes] | None, text: str) -> None:
    if stdin is None:
        return
    with suppress(BrokenPipeError), stdin:  # a command needn't read all of it
        stdin.write(text.encode())


def _end(process: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(GRACE_SECONDS)
            return
