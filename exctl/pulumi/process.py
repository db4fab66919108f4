"""Pulumi's process: in a process group of its own, and fed what no process list may show."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO

from pulumi import automation as auto
from pulumi.automation.errors import create_command_error

Listener = Callable[[str], object] | None


class Pulumi(auto.PulumiCommand):
    """The CLI, or the embedded engine.

    In a group of its own, so that what a terminal sends to all (Ctrl-C, or SIGHUP when an ssh
    session is lost) reaches it only as the one interrupt that we pass on: a lost terminal would
    otherwise kill it in the middle of a step.
    """

    running: subprocess.Popen[str] | None = None

    def run(
        self,
        args: list[str],
        cwd: str,
        additional_env: Mapping[str, str],
        on_output: Listener = None,
        on_error: Listener = None,
        stdin: str | None = None,
    ) -> auto.CommandResult:
        """A command's result; raises auto.CommandError if it fails."""
        environment = {**os.environ, **additional_env, "PULUMI_AUTOMATION_API": "true"}
        command = Path(self.command)
        if command.is_absolute():
            path = environment.get("PATH", "")
            environment["PATH"] = f"{command.parent}{os.pathsep}{path}"
        process = subprocess.Popen(
            [self.command, "--non-interactive", *args],
            stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=cwd,
            env=environment,
            encoding="utf-8",
            process_group=0,
        )
        self.running = process
        try:
            if stdin is not None:
                assert process.stdin is not None
                process.stdin.write(stdin)
                process.stdin.close()
            said = _read_both(process, on_output, on_error)
            code = process.wait()
        finally:
            self.running = None
        result = auto.CommandResult(stdout=said[0], stderr=said[1], code=code)
        if code != 0:
            raise create_command_error(result)
        return result

    def interrupt(self) -> None:
        """Have it finish the step under way, save and end; a second time: end at once."""
        process = self.running
        if process is not None and process.poll() is None:
            process.send_signal(signal.SIGINT)


def _read_both(
    process: subprocess.Popen[str], on_output: Listener, on_error: Listener
) -> tuple[str, str]:
    """All that it says on stdout and stderr, each line told to its listener as it comes."""
    chunks: tuple[list[str], list[str]] = ([], [])

    def read(stream: IO[str] | None, listener: Listener, lines: list[str]) -> None:
        assert stream is not None
        with stream:
            for line in stream:
                text = line.rstrip()
                if listener is not None:
                    listener(text)
                lines.append(text)

    threads = [
        threading.Thread(target=read, args=(process.stdout, on_output, chunks[0])),
        threading.Thread(target=read, args=(process.stderr, on_error, chunks[1])),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return "\n".join(chunks[0]), "\n".join(chunks[1])
