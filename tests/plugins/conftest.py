"""What the tests of the plugins share: a project each, and one Docker daemon."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.plugins.cli import Project
from tests.plugins.daemon import Daemon


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project whose every process can be told by its TMPDIR, which has a blank in its name."""
    temporary = tmp_path / "tmp dir"
    temporary.mkdir()
    return Project(tmp_path / "work", variables={"TMPDIR": str(temporary)})


RECORDED_ADDRESS = ("127.0.0.1", 2375)
"""The recordings' programs and states name it."""


@pytest.fixture(scope="session")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon where the recordings had theirs."""
    missing = [tool for tool in ("dockerd", "docker", "busybox") if shutil.which(tool) is None]
    if missing or os.geteuid() != 0:
        pytest.skip(f"a Docker daemon needs root and {', '.join(missing) or 'its tools'}")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(RECORDED_ADDRESS)
        except OSError:
            pytest.skip(
                "another program listens on 127.0.0.1:2375, where the recordings' daemon was"
            )
    root = Path("/var/tmp") / f"exec-docker-{os.getpid()}"  # overlayfs doesn't stand on another
    found = Daemon(f"tcp://{RECORDED_ADDRESS[0]}:{RECORDED_ADDRESS[1]}", root)
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
