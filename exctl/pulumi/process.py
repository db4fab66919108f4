"""Pulumi's process: which CLI, with which plugins, in a process group of its own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import IO

from pulumi import automation as auto
from pulumi.automation.errors import create_command_error
from semver import VersionInfo

from exctl.errors import NothingTouched
from exctl.site import PROGRAM

Listener = Callable[[str], object] | None
PLUGINS_VARIABLE = "EXEC_PLUGINS"
"""`official` leaves the plugins of this project out; Pulumi then takes those that are installed."""
LAUNCHERS = PROGRAM / "plugins/bin"
INSTALLATION = "https://www.pulumi.com/docs/install/"


def cli_path() -> str | None:
    """The Pulumi CLI that set-up has chosen, else the one on PATH; None if there is neither."""
    chosen = Path(sys.executable).parent / "pulumi"
    return str(chosen) if os.access(chosen, os.X_OK) else shutil.which("pulumi")


def plugins_environment() -> dict[str, str]:
    """Variables by which Pulumi finds our plugins, or leaves them alone.

    Raises NothingTouched for another word than `ours` and `official`.
    """
    wanted = os.environ.get(PLUGINS_VARIABLE) or "ours"
    if wanted == "official":
        return {"PULUMI_IGNORE_AMBIENT_PLUGINS": "true"}
    if wanted != "ours":
        raise NothingTouched(
            f"{PLUGINS_VARIABLE} is {wanted!r}; it may be `ours` (the default) or `official`."
        )
    return {"PATH": f"{LAUNCHERS}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}


class Pulumi(auto.PulumiCommand):
    """The CLI, with our plugins.

    In a group of its own, so that what a terminal sends to all (Ctrl-C, or SIGHUP when an ssh
    session is lost) reaches it only as the one interrupt that we pass on: a lost terminal would
    otherwise kill it in the middle of a step.
    """

    running: subprocess.Popen[str] | None = None

    def __init__(self, command: str | None = None) -> None:
        found = command or cli_path()
        if found is None:
            raise NothingTouched(
                "there is no Pulumi CLI. Build it with scripts/setup, or install it:"
                f" {INSTALLATION}"
            )
        self.command = found
        self.version = _version_of(found)
        self._plugins = plugins_environment()

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
        process = subprocess.Popen(
            [self.command, "--non-interactive", *args],
            stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=cwd,
            env={
                **os.environ,
                **self._plugins,
                **additional_env,
                "PULUMI_AUTOMATION_API": "true",
            },
            encoding="utf-8",
            errors="replace",
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


@cache
def _version_of(command: str) -> VersionInfo:
    """The CLI's version. Raises NothingTouched if it is older than the SDK, or doesn't say."""
    needed = VersionInfo.parse(metadata.version("pulumi"))
    environment = {**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "1"}
    try:
        said = subprocess.run(
            [command, "version"],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        ).stdout.strip()
        found = VersionInfo.parse(said.removeprefix("v"))
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        raise NothingTouched(
            f"{command} doesn't say its version ({error}). Build one with scripts/setup, or install"
            f" it again: {INSTALLATION}"
        ) from None
    if found < needed:
        raise NothingTouched(
            f"{command} is Pulumi {found}; this program needs {needed} or newer. Build it with"
            f" scripts/setup, or install it: {INSTALLATION}"
        )
    return found


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
