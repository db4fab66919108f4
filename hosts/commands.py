"""What is done to a container on a host. The only commands of exctl itself that change one.

Each returns the host's answer: what it amounts to is for the caller to judge.
"""

from __future__ import annotations

from collections.abc import Sequence

from hosts.shell import HostAnswer, HostCommand

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
