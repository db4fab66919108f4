"""Builds the CLI: once, whoever else is at it, and whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from toolchain.failures import BuildFailure, FailureCause, failure
from toolchain.found import FoundProgram, answer, cache, cached_cli
from toolchain.versions import Locked, Version

PACKAGE = "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
STAMP = "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version"

DISK_MIB = 5632
MEMORY_MIB = 2048
FETCHED_MIB = 350
KEPT_MIB = 116
MINUTES = 4
"""What a build takes. Measured: 5,111 MiB of disk at its end with PyPI's Go 1.27.3 (300 less with a
Go from PATH), 1.9 GiB for the linker, 272 MiB of modules, 75 MiB of Go; minutes on two cores."""

PROGRESS_SECONDS = 30
WORK_PREFIX = "building-"

Say = Callable[[str], None]


@contextlib.contextmanager
def alone(say: Say) -> Iterator[None]:
    """While this holds, no other build of this user runs. The lock goes with the process."""
    folder = cache()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise BuildFailure(FailureCause.CACHE, str(error)) from error
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another set-up of this user is building the Pulumi CLI; waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def build(locked: Locked, clone: Path, go: FoundProgram | None, say: Say) -> None:
    """Builds the locked CLI into the cache, with this Go or, if None, PyPI's. Call it `alone`."""
    folder = cache()
    remove(*folder.glob(f"{WORK_PREFIX}*"))  # of a build that was killed
    free_mib = shutil.disk_usage(folder).free // 2**20
    if free_mib < DISK_MIB:
        raise BuildFailure(
            FailureCause.DISK, f"{folder} has {free_mib} MiB free, the build needs {DISK_MIB} MiB"
        )
    try:
        work = Path(tempfile.mkdtemp(prefix=WORK_PREFIX, dir=folder))
    except OSError as error:
        raise BuildFailure(FailureCause.CACHE, str(error)) from error
    try:
        program = str(go.path) if go else _install_go(clone, work, say)
        made = _compile(program, locked.cli, clone, work, say)
        made.parent.chmod(0o755)
        _to_disk(made)
        remove(cached_cli(locked).parent)
        made.parent.rename(cached_cli(locked).parent)
    except OSError as error:
        cause = (
            FailureCause.DISK if error.errno in (errno.ENOSPC, errno.EDQUOT) else FailureCause.OTHER
        )
        raise BuildFailure(cause, str(error)) from error
    finally:
        remove(work)


def _compile(go: str, version: Version, clone: Path, work: Path, say: Say) -> Path:
    """The built program, checked, alone in a folder of its own in `work`."""
    environment = _environment(work)
    module = clone / "toolchain"
    listed = _run(
        [go, "list", "-deps", PACKAGE], module, environment, work,
        lambda said: say(f"  fetching the CLI's modules: {said.count('downloading')} so far"),
    )  # fmt: skip
    packages = len(listed.splitlines())
    made = work / "made" / "pulumi"
    _run(
        [
            go, "build", "-v", "-trimpath", "-ldflags", f"-s -w -X {STAMP}=v{version}",
            "-o", str(made), PACKAGE,
        ],
        module, environment, work,
        lambda said: say(f"  compiling the CLI: {said.count(chr(10))} of {packages} packages"),
    )  # fmt: skip
    if answer([str(made), "version"]) != version:
        raise BuildFailure(
            FailureCause.OTHER, f"the CLI that was built doesn't answer with version {version}"
        )
    return made


def _install_go(clone: Path, work: Path, say: Say) -> str:
    """PyPI's Go, as toolchain/requirements.txt locks it, into `work`."""
    python = work / "environment" / "bin" / "python"
    quiet = {**os.environ, "TMPDIR": str(work)}
    try:
        _run([sys.executable, "-m", "venv", str(work / "environment")], clone, quiet, work)
        _run(
            [
                str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
                "--no-cache-dir", "--only-binary=:all:", "--require-hashes",
                "--target", str(work / "pypi"), "-r", "toolchain/requirements.txt",
            ],
            clone, quiet, work, lambda _said: say("  fetching Go"),
        )  # fmt: skip
    except BuildFailure as why:
        if why.cause is FailureCause.OTHER:
            raise BuildFailure(FailureCause.GO, why.detail) from why
        raise
    return str(work / "pypi" / "go" / "bin" / "go")


_KEPT = {
    "GOPROXY", "GONOPROXY", "GOPRIVATE", "GOSUMDB", "GONOSUMDB", "GOINSECURE", "GOAUTH", "GOENV"
}  # fmt: skip
"""Of Go's variables, those that say where modules come from; the rest are for other work."""


def _environment(work: Path) -> dict[str, str]:
    """Go's environment: nothing of it outlives the build, and no other Go is fetched."""
    temporary = work / "tmp"
    temporary.mkdir()
    return {
        **{name: value for name, value in os.environ.items() if name[:2] != "GO" or name in _KEPT},
        "GOPATH": str(work / "gopath"),
        "GOMODCACHE": str(work / "gopath" / "pkg" / "mod"),
        "GOCACHE": str(work / "gocache"),
        "TMPDIR": str(temporary),
        "GOFLAGS": "-modcacherw",
        "GOTOOLCHAIN": "local",
        "GOWORK": "off",
        "CGO_ENABLED": "0",
    }


def _run(
    command: list[str],
    folder: Path,
    environment: dict[str, str],
    work: Path,
    progress: Callable[[str], None] = lambda _said: None,
) -> str:
    """What a command printed; BuildFailure if it fails. It and all that it started end with us."""
    results, said = work / "stdout", work / "stderr"
    with results.open("w") as stdout, said.open("w") as stderr:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            process_group=0,
        )
        try:
            while True:
                try:
                    status = process.wait(PROGRESS_SECONDS)
                    break
                except subprocess.TimeoutExpired:
                    progress(said.read_text(errors="replace"))
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
    if status != 0:
        raise failure(said.read_text(errors="replace"))
    return results.read_text()


def _to_disk(file: Path) -> None:
    """A file that has its name after a power cut has its content then, too."""
    with file.open("rb") as opened:
        os.fsync(opened.fileno())


def remove(*folders: Path) -> None:
    """Removes folders, though processes that were just killed may write there a moment longer."""
    for folder in folders:
        for _ in range(20):
            shutil.rmtree(folder, ignore_errors=True)
            if not folder.exists():
                break
            time.sleep(0.1)
