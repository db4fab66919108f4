"""What the tests of the plugins share: a project each, and one Docker daemon."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.plugins.cli import Project
from tests.plugins.daemon import Daemon
from tests.plugins.sshd import free_port


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project whose every process can be told by its TMPDIR, which has a blank in its name."""
    temporary = tmp_path / "tmp dir"
    temporary.mkdir()
    return Project(tmp_path / "work", variables={"TMPDIR": str(temporary)})


@pytest.fixture(scope="session")
def daemon() -> Iterator[Daemon]:
    """A daemon on a port of its own."""
    missing = [tool for tool in ("dockerd", "docker", "busybox") if shutil.which(tool) is None]
    if missing or os.geteuid() != 0:
        pytest.skip(f"a Docker daemon needs root and {', '.join(missing) or 'its tools'}")
    root = Path("/var/tmp") / f"exec-docker-{os.getpid()}"  # overlayfs doesn't stand on another
    found = Daemon(f"tcp://127.0.0.1:{free_port()}", root)
    found.load_images()
    yield found
    found.stop()


@pytest.fixture
def clean_daemon(daemon: Daemon) -> Iterator[Daemon]:
    """The daemon, without containers of another test."""
    yield daemon
    daemon.thaw()
    if left := daemon.docker("ps", "-aq").stdout.split():
        daemon.docker("rm", "-f", *left)
    for kind in ("network", "volume"):
        daemon.docker(kind, "prune", "-f")
