"""Starts stand-ins as processes on loopback ports, and asks them what an operator would ask."""

from __future__ import annotations

import json
import os
import shutil
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import HTTPSHandler, ProxyHandler, build_opener

from lab import certificates, settings
from lab.processes import accepts, free_port, running, wait_for

DEBIAN_PYTHON = "/usr/bin/python3"
SERVICE_CODE = settings.CLONE / "lab/standins/service"
LOOPBACK = "127.0.0.1"
IMPATIENT = """
from service import __main__ as process, exas, sync
process.START_SECONDS = dict.fromkeys(process.START_SECONDS, 0.1)
sync.POLL_SECONDS = exas.AGENT_POLL_SECONDS = 0.3
process.main({service!r})
"""
"""The services' process with the pauses left out that make it as slow as the vendor's."""


def has_debian_libraries() -> bool:
    """Whether the images' Python with its libraries is on this host, as it is in the images."""
    if not Path(DEBIAN_PYTHON).exists():
        return False
    command = [DEBIAN_PYTHON, "-c", "import psycopg2, redis"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def has_servers() -> bool:
    return bool(shutil.which("redis-server")) and bool(postgres_programs())


def postgres_programs() -> Path | None:
    """The directory of the newest PostgreSQL's programs."""
    return next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)), None)


class Processes:
    """Processes that end with the block, each with its log and its file of faults."""

    def __init__(self, directory: Path, stack: ExitStack) -> None:
        self.directory = directory
        self._stack = stack

    def start(self, name: str, argv: list[str]) -> subprocess.Popen[bytes]:
        return self._stack.enter_context(running(argv, self.directory / f"{name}.log"))

    def log(self, name: str) -> str:
        return (self.directory / f"{name}.log").read_text()

    def standin(self, module: str, name: str, port: int, *more: str) -> str:
        """Starts one of `lab.standins` and waits until it takes connections; its address."""
        argv = [
            *("env", "-C", str(settings.CLONE), sys.executable, "-m", f"lab.standins.{module}"),
            *("--bind", LOOPBACK, "--port", str(port)),
            *("--faults", str(self.directory / f"{name}.faults"), *more),
        ]
        self.start(name, argv)
        wait_for(name, lambda: accepts(LOOPBACK, port), 15)
        return f"{LOOPBACK}:{port}"

    def cloud(self, rate_per_minute: int) -> str:
        """Starts Genesys Cloud's API with a certificate of its own; its URL."""
        certificates.make_authority(self.directory)
        certificates.issue(self.directory, self.directory, "cloud", LOOPBACK, settings.CLOUD_NAMES)
        certificate = ["--certificate", str(self.directory / "cloud.pem")]
        certificate += ["--key", str(self.directory / "cloud.key")]
        rate = ["--rate-per-minute", str(rate_per_minute)]
        return "https://" + self.standin("genesys_cloud", "cloud", free_port(), *certificate, *rate)

    def set_faults(self, name: str, faults: Mapping[str, Mapping[str, object]]) -> None:
        """Tells a stand-in its faults; an empty mapping undoes them."""
        write_faults(self.directory / f"{name}.faults", faults)


def write_faults(path: Path, faults: Mapping[str, Mapping[str, object]]) -> None:
    new = path.with_suffix(".new")
    new.write_text(json.dumps(faults))
    new.rename(path)


class Image:
    """The services' code as an image has it, with a version's own files beside it."""

    def __init__(self, directory: Path, version: str = "100.0.100.11") -> None:
        self.home = directory / f"image-{version}"
        shutil.copytree(
            SERVICE_CODE,
            self.home / "service",
            ignore=shutil.ignore_patterns("__pycache__"),
        )
        (self.home / "VERSION").write_text(version)

    def argv(self, environment: Mapping[str, str], *command: str) -> list[str]:
        """A container's own variables and nothing of this process's."""
        variables = [f"{name}={value}" for name, value in environment.items()]
        return ["env", "-i", "-C", str(self.home), *variables, DEBIAN_PYTHON, *command]

    def impatient(self, service: str, environment: Mapping[str, str]) -> list[str]:
        return self.argv(environment, "-c", IMPATIENT.format(service=service))

    def run(self, service: str, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
        """A container that is expected to end by itself."""
        return subprocess.run(
            self.argv(environment, "-m", "service", service),
            capture_output=True,
            text=True,
            timeout=15,
            check=False,
        )


def ask(url: str, ca: Path | None = None, timeout_seconds: float = 3) -> tuple[int, Any]:
    """HTTP code and body, as JSON where it is JSON; OSError if nobody answers in time."""
    handlers: list[Any] = [ProxyHandler({})]
    if ca is not None:
        handlers.append(HTTPSHandler(context=ssl.create_default_context(cafile=str(ca))))
    try:
        with build_opener(*handlers).open(url, timeout=timeout_seconds) as answer:
            return answer.status, _body(answer.read())
    except HTTPError as error:
        with error:
            return error.code, _body(error.read())


def _body(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return content.decode()


def wait_until(what: str, is_so: Callable[[], bool], seconds: float = 10) -> float:
    """Seconds until it was so; fails, naming it, if it never is."""
    started = time.monotonic()
    while True:
        try:
            if is_so():
                return time.monotonic() - started
        except OSError:
            pass
        assert time.monotonic() - started < seconds, f"waited {seconds} s for {what}"
        time.sleep(0.05)


def as_postgres() -> list[str]:
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return []
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]


def psql(port: int, statements: str, database: str) -> str:
    """What a PostgreSQL here answers its owner. OSError with its words if a statement fails."""
    run = subprocess.run(
        [
            *("psql", "-qAt", "-v", "ON_ERROR_STOP=1", "-h", LOOPBACK),
            *("-p", str(port), "-U", "postgres", "-d", database),
        ],
        input=statements,
        capture_output=True,
        text=True,
        check=False,
    )
    if run.returncode:
        raise OSError(run.stderr)
    return run.stdout
