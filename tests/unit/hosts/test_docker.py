"""What a host's Docker has, as its own shell asks for it; the daemon is a script of the test's."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from hosts import docker
from hosts.answer import HostAnswer, HostCommand
from hosts.docker import HostUnreadError

ID = "sha256:" + "a" * 64


def host(directory: Path, daemon: str) -> HostCommand:
    """A host whose `docker` is this script."""
    program = directory / "docker"
    program.write_text(f"#!/bin/sh\n{daemon}\n")
    program.chmod(0o755)
    environment = {"PATH": f"{directory}:{os.environ['PATH']}"}

    def run(words: Sequence[str]) -> HostAnswer:
        done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
        return HostAnswer(done.returncode, done.stdout, done.stderr)

    return run


def test_an_image_that_is_missing_is_no_error(tmp_path: Path) -> None:
    says = f"""case "$1" in image) echo '{{"Id": "{ID}"}}'; exit 1;; version) exit 0;; esac"""
    (image,) = docker.images(host(tmp_path, says), ["excs:1", "excs:2"])
    assert image.id == ID


@pytest.mark.parametrize("names", [["excs:1"], []])
def test_a_daemon_that_does_not_answer_has_not_no_images(tmp_path: Path, names: list[str]) -> None:
    down = "echo 'Cannot connect to the Docker daemon' >&2; exit 1"
    with pytest.raises(HostUnreadError, match="Cannot connect to the Docker daemon"):
        docker.images(host(tmp_path, down), names)


def test_a_daemon_that_goes_away_between_two_questions_is_not_one_without_containers(
    tmp_path: Path,
) -> None:
    goes = """case "$1" in ps) echo abc;; *) echo 'Cannot connect' >&2; exit 1;; esac"""
    with pytest.raises(HostUnreadError, match="Cannot connect"):
        docker.containers(host(tmp_path, goes))


def test_a_container_that_goes_away_between_two_questions_is_no_error(tmp_path: Path) -> None:
    gone = """case "$1" in ps) echo abc;; inspect) exit 1;; version) exit 0;; esac"""
    assert docker.containers(host(tmp_path, gone)) == []
