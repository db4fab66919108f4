"""What Docker on a host has: its containers and its images, from `docker inspect`. Read only."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from hosts.answer import HostAnswer, HostCommand
from hosts.container import ContainerState, state_of
from oci.reference import parsed

STACK_LABEL, INSTANCE_LABEL = "exec.stack", "exec.instance"
ASIDE = ".before-exec"
"""Put behind the name of a container that was stopped to make room for ours."""
# Each filter by itself: several of them in one command must all be met. A container that goes away
# between the two questions isn't there, and no error; a daemon that goes away is one.
_CONTAINERS = """
[ $# -gt 0 ] || set -- status=created status=running status=paused status=restarting \\
  status=removing status=exited status=dead
ids=$(for filter; do docker ps -aq --no-trunc --filter "$filter" || exit; done) || exit
[ -z "$ids" ] || docker inspect --type container --format '{{json .}}' \\
  $(echo "$ids" | sort -u) 2>/dev/null || docker version >/dev/null
"""
_IMAGES = """
[ $# -gt 0 ] || { ids=$(docker image ls -q --no-trunc) && set -- $(echo "$ids" | sort -u); } || exit
[ $# -eq 0 ] || docker image inspect --format '{{json .}}' "$@" 2>/dev/null \\
  || docker version >/dev/null
"""


NOT_TOLD = ContainerState("")


class HostUnreadError(Exception):
    """A host didn't say; `answer` has why."""

    def __init__(self, answer: HostAnswer) -> None:
        super().__init__(answer.why())
        self.answer = answer


@dataclass(frozen=True)
class Mount:
    """A volume or a directory of the host's inside a container."""

    source: str
    target: str
    is_writable: bool = True

    def __str__(self) -> str:
        return f"{self.source}:{self.target}{'' if self.is_writable else ':ro'}"


@dataclass(frozen=True)
class Container:
    """One container on a host; limits as Docker counts them, 0: none.

    `inspected` is all that Docker says of it; its environment may hold passwords.
    """

    id: str
    name: str
    image: str
    """As it was asked for: place, name and tag, or digest."""
    state: ContainerState = NOT_TOLD
    image_id: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    restart: str = ""
    """`unless-stopped`, `on-failure:3`."""
    memory_bytes: int = 0
    nano_cpus: int = 0
    network: str = ""
    log: str = ""
    """Driver and its options: `json-file (max-file=5, max-size=50m)`."""
    mounts: tuple[Mount, ...] = ()
    created: str = ""
    inspected: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def stack(self) -> str:
        return self.labels.get(STACK_LABEL, "")

    @property
    def compose_project(self) -> str:
        return self.labels.get("com.docker.compose.project", "")

    @property
    def is_running(self) -> bool:
        return self.state.word in ("running", "restarting", "paused")

    @cached_property
    def environment(self) -> Mapping[str, str]:
        return _environment(self.inspected)

    @cached_property
    def ports(self) -> frozenset[int]:
        """Ports of the host that Docker forwards to it."""
        bound = (self.inspected.get("HostConfig") or {}).get("PortBindings") or {}
        return frozenset(
            int(binding["HostPort"])
            for bindings in bound.values()
            for binding in bindings or ()
            if str(binding.get("HostPort", "")).isdecimal()
        )


@dataclass(frozen=True)
class Image:
    """One image on a host. `tags` and `references` are whole: `place/name:tag`,
    `place/name@sha256:…`; `size_bytes` counts shared layers for each image."""

    id: str
    tags: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    size_bytes: int = 0
    user: str = ""
    architecture: str = ""
    inspected: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def environment(self) -> Mapping[str, str]:
        return _environment(self.inspected)

    @property
    def names(self) -> tuple[str, ...]:
        return (*self.tags, *self.references)

    @property
    def digests(self) -> tuple[str, ...]:
        return tuple(name.partition("@")[2] for name in self.references)

    def is_named(self, image: str) -> bool:
        """Whether this is the image of that name however it is spelled, or of that id."""
        wanted = parsed(image)
        return image == self.id or (
            wanted is not None and any(parsed(name) == wanted for name in self.names)
        )


def _environment(inspected: Mapping[str, Any]) -> Mapping[str, str]:
    words = (inspected.get("Config") or {}).get("Env") or ()
    return dict(word.partition("=")[::2] for word in words)


def container_of(found: Mapping[str, Any]) -> Container:
    """From what `docker inspect` says of one container."""
    config, host = found.get("Config") or {}, found.get("HostConfig") or {}
    policy, log = host.get("RestartPolicy") or {}, host.get("LogConfig") or {}
    retries = policy.get("MaximumRetryCount") or 0
    options = ", ".join(f"{k}={v}" for k, v in sorted((log.get("Config") or {}).items()))
    return Container(
        id=str(found.get("Id") or ""),
        name=str(found.get("Name") or "").removeprefix("/"),
        image=str(config.get("Image") or ""),
        state=state_of(
            found.get("State"), found.get("RestartCount"), found.get("Id"), config.get("Labels")
        ),
        image_id=str(found.get("Image") or ""),
        labels=config.get("Labels") or {},
        restart=(policy.get("Name") or "no") + (f":{retries}" if retries else ""),
        memory_bytes=int(host.get("Memory") or 0),
        nano_cpus=int(host.get("NanoCpus") or 0),
        network=str(host.get("NetworkMode") or ""),
        log=str(log.get("Type") or "") + (f" ({options})" if options else ""),
        mounts=tuple(_mounts(found.get("Mounts") or ())),
        created=str(found.get("Created") or ""),
        inspected=found,
    )


def _mounts(found: Iterable[Mapping[str, Any]]) -> Iterator[Mount]:
    for mount in found:
        source = str(mount.get("Name") or mount.get("Source") or "")
        yield Mount(source, str(mount.get("Destination") or ""), mount.get("RW") is not False)


def image_of(found: Mapping[str, Any]) -> Image:
    """From what `docker image inspect` says of one image."""

    def names(key: str) -> tuple[str, ...]:
        return tuple(str(n) for n in found.get(key) or () if not str(n).startswith("<none>"))

    return Image(
        id=str(found.get("Id") or ""),
        tags=names("RepoTags"),
        references=names("RepoDigests"),
        size_bytes=int(found.get("Size") or 0),
        user=str((found.get("Config") or {}).get("User") or ""),
        architecture=str(found.get("Architecture") or ""),
        inspected=found,
    )


def containers(run: HostCommand, *filters: str) -> list[Container]:
    """The host's containers, running or not, that meet one of Docker's filters; without a filter
    all of them. HostUnreadError if the host doesn't say."""
    return [container_of(found) for found in _objects(run, _CONTAINERS, filters)]


def containers_of_stack(run: HostCommand, stack: str) -> list[Container]:
    """The containers with this stack's label, whatever a state knows of them."""
    return containers(run, f"label={STACK_LABEL}={stack}")


def images(run: HostCommand, names: Sequence[str] = ()) -> list[Image]:
    """The host's images; with `names` (or ids) those of them that it has. HostUnreadError if the
    host doesn't say."""
    return [image_of(found) for found in _objects(run, _IMAGES, names)]


def _objects(run: HostCommand, script: str, words: Iterable[str]) -> Iterator[Mapping[str, Any]]:
    answer = run(["sh", "-c", script, "sh", *words])
    if answer.code != 0:
        raise HostUnreadError(answer)
    yield from objects_in(answer.stdout)


def objects_in(text: str) -> Iterator[Mapping[str, Any]]:
    """The JSON objects among lines, one a line."""
    for line in text.splitlines():
        try:
            found = json.loads(line) if line.startswith("{") else None
        except (ValueError, RecursionError):
            continue
        if isinstance(found, Mapping):
            yield found
