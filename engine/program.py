"""The project's own Python: starts it before it is needed, runs the program in it, ends it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Literal

Severity = Literal["info", "info#err"]
SECRET_VARIABLES = ("PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE")


def interpreter(root: Path, options: Mapping[str, Any]) -> str:
    """The Python that runs the program: `virtualenv` of the runtime's options (relative to
    Pulumi.yaml), else PULUMI_PYTHON_CMD, else an active virtual environment, else this one."""
    if options.get("virtualenv"):
        return str(root / str(options["virtualenv"]) / "bin" / "python")
    if command := os.environ.get("PULUMI_PYTHON_CMD"):
        return command
    if active := os.environ.get("VIRTUAL_ENV"):
        return str(Path(active) / "bin" / "python")
    return sys.executable


class ProgramError(Exception):
    """The project's Python can't be started; the text says which and why."""


class Runner:
    """One Python process of the project, with the SDK imported, and its dynamic providers.

    It's started at once and costs no time while the engine does other things. `log` gets what the
    processes print, line by line; until `listen` gives it, lines are kept.
    """

    def __init__(self, python: str, directory: Path, project: str) -> None:
        self._lines: list[tuple[Severity, str]] = []
        self._log: Callable[[Severity, str], None] | None = None
        self._lock = threading.Lock()
        self._port: list[str] = []
        self._port_known = threading.Event()
        child_life, self._life = os.pipe()
        out_read, out_write = os.pipe()
        err_read, err_write = os.pipe()
        passed = (out_write, err_write, child_life)
        environment = {k: v for k, v in os.environ.items() if k not in SECRET_VARIABLES}
        environment |= {"PULUMI_PROJECT": project, "PYTHONUNBUFFERED": "1"}
        script = str(Path(__file__).with_name("runner.py"))
        try:
            self._process = subprocess.Popen(
                [python, script, str(directory), *map(str, passed)],
                cwd=directory,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                pass_fds=passed,
                start_new_session=True,  # an interrupt is the engine's to handle, not theirs
            )
        except OSError as error:
            raise ProgramError(f"cannot start the project's Python {python}: {error}") from error
        finally:
            for descriptor in passed:
                os.close(descriptor)
        self._relays = [
            self._relay(self._process.stdout, "info"),
            self._relay(self._process.stderr, "info#err"),
        ]
        self._relay(os.fdopen(out_read), "info", first=self._learn_port)
        self._relay(os.fdopen(err_read), "info#err")

    def _relay(
        self,
        stream: IO[str] | None,
        severity: Severity,
        first: Callable[[str], None] | None = None,
    ) -> threading.Thread:
        def run() -> None:
            assert stream is not None
            learn = first
            for line in stream:
                if learn is not None:
                    learn(line)
                    learn = None
                else:
                    self._say(severity, line)
            if learn is not None:
                learn("")

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        return thread

    def _learn_port(self, line: str) -> None:
        self._port.append(line.strip())
        self._port_known.set()

    def _say(self, severity: Severity, line: str) -> None:
        with self._lock:
            if self._log is None:
                self._lines.append((severity, line))
                return
        self._log(severity, line)

    def listen(self, log: Callable[[Severity, str], None]) -> None:
        """Give every line printed so far, and from now on, to `log`."""
        with self._lock:
            kept, self._lines, self._log = self._lines, [], log
        for severity, line in kept:
            log(severity, line)

    def dynamic_address(self) -> str:
        """Where the dynamic providers are served; ProgramError if they aren't."""
        self._port_known.wait()
        if not self._port[0].isdigit():
            raise ProgramError(
                "the process of the dynamic providers didn't start: " + self._port[0]
            )
        return f"127.0.0.1:{self._port[0]}"

    def run(self, order: Mapping[str, Any]) -> None:
        """Start the program; `order` is what runner.py asks for."""
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps(order) + "\n")
            self._process.stdin.flush()

    def wait(self, timeout_seconds: float | None = None) -> int | None:
        """The program's exit code, once all it printed was given to `log`; None: still runs."""
        try:
            code = self._process.wait(timeout_seconds)
        except subprocess.TimeoutExpired:
            return None
        for relay in self._relays:
            relay.join(1)
        return code

    def stop_program(self) -> None:
        """End the program at once, without a word; dynamic providers go on."""
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        """End everything that still runs."""
        with suppress(OSError):
            os.close(self._life)
        self._process.kill()
        self._process.wait()
        if self._process.stdin is not None:
            with suppress(BrokenPipeError):
                self._process.stdin.close()
