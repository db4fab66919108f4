"""Pulumi's process: which CLI, with which plugins, in a process group of its own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import ClassVar, Self

from pulumi import automation as auto
from pulumi.automation.errors import create_command_error
from semver import VersionInfo

from exctl.errors import NothingTouched
from exctl.site import PROGRAM

Listener = Callable[[str], object] | None
LISTEN_INTERVAL_SECONDS = 0.1
PLUGINS_VARIABLE = "EXEC_PLUGINS"
"""`official` leaves the plugins of this project out; Pulumi then takes those that are installed."""
COLLECTOR = {"GOGC": "400", "GOMEMLIMIT": "128MiB"}
"""How the CLI, a Go program, collects its garbage, unless the operator's environment says it: less
often, as most of its runs are short, but for memory that a preview of 50 hosts would miss.
Measured: 3.7 s of CPU for 4.5 s of a restart's ten runs."""
LAUNCHERS = PROGRAM / "plugins/bin"
STARTS_PLUGINS = frozenset({"preview", "up", "refresh", "destroy"})
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
    commands: ClassVar[int] = 0
    """How many this process has run."""

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
        Pulumi.commands += 1
        environment = {
            **COLLECTOR,
            **os.environ,
            **self._plugins,
            **additional_env,
            "PULUMI_AUTOMATION_API": "true",
        }
        with _Said(on_output) as output, _Said(on_error) as errors:
            process = subprocess.Popen(
                [self.command, "--non-interactive", *args],
                stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
                stdout=output.file,
                stderr=errors.file,
                cwd=cwd,
                env=environment,
                encoding="utf-8",
                process_group=0,
            )
            self.running = process
            try:
                if args[0] in STARTS_PLUGINS and "PATH" in self._plugins:
                    _begin_host(process, cwd, environment)
                if stdin is not None:
                    process.communicate(stdin)
                code = _waited_for(process, output, errors)
            finally:
                self.running = None
            result = auto.CommandResult(output.text(), errors.text(), code)
        if code != 0:
            raise create_command_error(result)
        return result

    def interrupt(self) -> None:
        """Have it finish the step under way, save and end; a second time: end at once."""
        process = self.running
        if process is not None and process.poll() is None:
            process.send_signal(signal.SIGINT)


def _begin_host(cli: subprocess.Popen[str], directory: str, environment: dict[str, str]) -> None:
    """Starts the host of our plugins beside the CLI, which derives its key from the passphrase
    first. If that fails, the CLI's first plugin tries again, and says why."""
    words = [str(LAUNCHERS / "launcher"), "--begin", str(cli.pid)]
    with suppress(OSError):
        subprocess.run(words, cwd=directory, env=environment, check=False, capture_output=True)


@cache
def _version_of(command: str) -> VersionInfo:
    """The CLI's version; of one that set-up has built, by its directory: `pulumi-3.1.0+0123abcd`.
    Raises NothingTouched if it is older than the SDK, or doesn't say."""
    needed = VersionInfo.parse(metadata.version("pulumi"))
    built = Path(command).resolve().parent.name.removeprefix("pulumi-")
    if VersionInfo.is_valid(built) and VersionInfo.parse(built) >= needed:
        return VersionInfo.parse(built)
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


class _Said:
    """What a process says on one stream: in a file, since a pipe would break with us. Pulumi ends
    at once at a broken pipe, in the middle of its step and with its lock left behind.
    """

    def __init__(self, listener: Listener) -> None:
        self.file = tempfile.TemporaryFile()  # noqa: SIM115  # closed with the block
        self.listener = listener
        self._told = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()

    def tell(self) -> None:
        """Gives the listener the lines that have come since. The file's own position is the
        process's."""
        if self.listener is None:
            return
        lines, end, _ = self._from(self._told).rpartition(b"\n")
        self._told += len(lines) + len(end)
        for line in lines.splitlines():
            self.listener(line.decode(errors="replace").rstrip())

    def text(self) -> str:
        """All of it, without the blanks at the lines' ends."""
        return "\n".join(
            line.rstrip() for line in self._from(0).decode(errors="replace").splitlines()
        )

    def _from(self, position: int) -> bytes:
        size = os.fstat(self.file.fileno()).st_size
        return os.pread(self.file.fileno(), size - position, position)


def _waited_for(process: subprocess.Popen[str], *streams: _Said) -> int:
    """The exit code, once it has ended and all that it said is told."""
    is_heard = any(stream.listener is not None for stream in streams)
    while True:
        try:
            return process.wait(LISTEN_INTERVAL_SECONDS if is_heard else None)
        except subprocess.TimeoutExpired:
            continue
        finally:
            for stream in streams:
                stream.tell()
