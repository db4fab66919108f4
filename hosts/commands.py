"""What is done to a host's containers and images: the only commands of exctl that change some.

Each returns the host's answer: what it amounts to is for the caller to judge.
"""

from __future__ import annotations

import shlex
import subprocess
import tarfile
import tempfile
from collections.abc import Callable, Mapping, Sequence
from io import BytesIO
from pathlib import PurePosixPath
from typing import IO

from hosts.answer import HostAnswer, HostCommand
from hosts.shell import DOCKER_SOCKET

_SET_ASIDE = """
docker update --restart=no "$1" && docker stop -t "$2" "$1" && docker rename "$1" "$3"
"""
_REMOVE = """
grace=$1; shift; docker stop -t "$grace" "$@" && docker rm --force "$@"
"""
_BRING_BACK = """
id=$1 name=$2 restart=$3
is=$(docker inspect --format '{{.Name}}' "$id") || exit
[ "$is" = "/$name" ] || docker rename "$id" "$name" || exit
docker update --restart="$restart" "$id" && docker start "$id"
"""
_DAEMON = f"env -u DOCKER_CONTEXT DOCKER_HOST=unix://{DOCKER_SOCKET}"
"""As `hosts.shell` says it: the daemon of the host itself, whatever the user's login sets. Where
stdin is what Docker takes, the shell is the login's; nothing of what that prints is read."""


def set_aside(run: HostCommand, container: str, name: str, grace_seconds: int) -> HostAnswer:
    """Stops a container and renames it, so that neither a reboot nor Docker starts it again."""
    return run(["sh", "-c", _SET_ASIDE, "sh", container, str(grace_seconds), name])


def remove(run: HostCommand, containers: Sequence[str], grace_seconds: int) -> HostAnswer:
    """Stops containers and removes them."""
    return run(["sh", "-c", _REMOVE, "sh", str(grace_seconds), *containers])


def bring_back(run: HostCommand, container: str, name: str, restart: str) -> HostAnswer:
    """Gives a container its name and its restart policy back, and starts it."""
    return run(["sh", "-c", _BRING_BACK, "sh", container, name, restart])


def remove_files(run: HostCommand, paths: Sequence[str]) -> HostAnswer:
    return run(["rm", "-f", "--", *paths])


def load(ssh: Sequence[str], write: Callable[[IO[bytes]], object]) -> HostAnswer:
    """Has Docker load the image that `write` puts into the file it is given."""
    return _fed(ssh, f"{_DAEMON} docker load --quiet", write)


def copy_into(ssh: Sequence[str], container: str, files: Mapping[str, str]) -> HostAnswer:
    """Puts texts into a container by their paths there, whether it runs or not, readable for all
    in it. Nothing of them is on a command line."""

    def write(target: IO[bytes]) -> None:
        directories = {str(each) for path in files for each in PurePosixPath(path).parents} - {"/"}
        with tarfile.open(fileobj=target, mode="w|") as tar:
            for path in sorted(directories):
                entry = tarfile.TarInfo(path.strip("/"))
                entry.type, entry.mode = tarfile.DIRTYPE, 0o755
                tar.addfile(entry)
            for path, text in files.items():
                entry = tarfile.TarInfo(path.strip("/"))
                entry.size = len(text.encode())
                tar.addfile(entry, BytesIO(text.encode()))

    return _fed(ssh, f"{_DAEMON} docker cp - {shlex.quote(container)}:/", write)


def _fed(ssh: Sequence[str], command: str, write: Callable[[IO[bytes]], object]) -> HostAnswer:
    with tempfile.TemporaryFile() as words:
        process = subprocess.Popen(
            [*ssh, command], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=words
        )
        assert process.stdin is not None
        try:
            with process.stdin:
                write(process.stdin)
        except BrokenPipeError:  # its own words say why
            pass
        except BaseException:
            process.kill()
            raise
        code = process.wait()
        words.seek(0)
        return HostAnswer(code, "", words.read().decode("utf-8", "replace"))
