"""docker:index/container:Container on one host."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from plugins.docker import container_make as make
from plugins.docker import state
from plugins.docker.client import ACTION_SECONDS, Docker
from plugins.docker.container_body import create_body, resources, restart_policy
from plugins.docker.container_fields import CONTAINER
from plugins.docker.container_seen import is_of, outputs_of, was_started
from plugins.docker.errors import DockerError, HalfDone, Refused
from plugins.docker.replacements import REPLACEMENTS, SUFFIX, Spare
from plugins.docker.values import Props

SETTLE_SECONDS = 0.15
"""How long a container that has just been started must live to be called running. Measured: a
command that ends at once has ended after 20 ms."""
GRACE_SECONDS = 10
"""As Docker: before a container that doesn't stop is killed."""
META = state.meta(2, with_timeouts=True)
_CHANGED = (
    *("memory", "memoryReservation", "memorySwap", "cpuSet", "cpuShares", "cpuPeriod", "cpuQuota"),
    *("deviceReadBps", "deviceReadIops", "deviceWriteBps", "deviceWriteIops"),
    *("restart", "maxRetryCount"),
)
"""What Docker changes in place; the rest of what needs no replacement is only noted."""
Seen = Mapping[str, Any]


class Containers:
    """The containers of one host. `pull` brings an image that isn't there."""

    def __init__(self, docker: Docker, pull: Callable[[str, str], object]) -> None:
        self._docker = docker
        self._pull = pull

    def create(self, urn: str, inputs: Props) -> tuple[str, Props]:
        """Make it, or take the one that was made ready before its predecessor went; start it."""
        announced = REPLACEMENTS.announced(urn)
        spare = REPLACEMENTS.spare(urn)
        if spare is not None and (spare.containers is not self or spare.inputs != inputs):
            spare.containers.discard(spare)
            spare = None
        if spare is not None:
            identifier, is_complete = self._in_turn(spare), True
        else:
            is_new = announced is not None and announced.is_new
            identifier, is_complete = self._made(inputs, is_new=is_new)
        try:
            if not is_complete:
                make.complete(self._docker, identifier, inputs)
            seen = self._started(identifier, inputs)
        except (DockerError, Refused) as problem:
            raise self._half_done(identifier, inputs, problem) from None
        return identifier, outputs_of(seen, state.made(CONTAINER, inputs))

    def _half_done(self, identifier: str, inputs: Props, problem: Exception) -> Refused:
        """It exists: noted as it is, so that the next run goes on with it."""
        words = _words(problem)
        reason = self._says(inputs, f"the container was made, but doesn't run as asked: {words}")
        try:
            seen = self._inspected(identifier)
        except DockerError:
            return Refused(reason)
        outputs = outputs_of(seen, state.made(CONTAINER, inputs))
        return HalfDone(identifier, outputs, inputs, reason)

    def _made(self, inputs: Props, *, is_new: bool) -> tuple[str, bool]:
        """The container, and whether it's connected and has its files already: if a killed run
        started it and didn't come to note it."""
        name, body = str(inputs["name"]), create_body(inputs)
        self._clear_away(name + SUFFIX)
        try:
            return self._created(name, body, inputs), False
        except DockerError as problem:
            if problem.status != 409:
                raise Refused(self._unable(inputs, problem)) from None
            conflict = problem
        other = self._docker.found(lambda api: api.inspect_container(name))
        if other is not None and is_new and is_of(other, body):
            if was_started(other) and body["Labels"]:
                return str(other["Id"]), True
            if not was_started(other):
                make.remove(self._docker, other["Id"])
                return self._created(name, body, inputs), False
        raise Refused(self._says(inputs, _taken(name, other or {}, conflict.words)))

    def _created(self, name: str, body: Mapping[str, Any], inputs: Props) -> str:
        platform, image = str(inputs.get("platform") or ""), str(inputs["image"])
        try:
            return make.create(self._docker, name, body, platform)
        except DockerError as problem:
            if problem.status != 404 or "image" not in problem.words or image.startswith("sha256:"):
                raise
        self._pull(image, platform)
        return make.create(self._docker, name, body, platform)

    def made_ready(self, inputs: Props, old_identifier: str) -> str:
        """The container that is to take the place of an old one: stopped, under a name of its own.
        Refused, with nothing left, if Docker refuses it."""
        name, body = str(inputs["name"]), create_body(inputs)
        kept = "; the old container was not touched"
        try:
            other = self._docker.found(lambda api: api.inspect_container(name))
            if other is not None and other["Id"] != old_identifier:
                raise Refused(self._says(inputs, _taken(name, other, "") + kept))
            make.require_networks(self._docker, inputs)
            self._clear_away(name + SUFFIX)
            identifier = self._created(name + SUFFIX, body, inputs)
        except DockerError as problem:
            raise Refused(self._unable(inputs, problem) + kept) from None
        try:
            make.complete(self._docker, identifier, inputs)
        except (DockerError, Refused) as problem:
            self._remove_quietly(identifier)
            raise Refused(
                self._says(inputs, f"Unable to create container: {_words(problem)}{kept}")
            ) from None
        return identifier

    def _in_turn(self, spare: Spare) -> str:
        """The one that was made ready, under its own name now."""
        name = str(spare.inputs["name"])
        try:
            self._docker.act(lambda api: api.rename(spare.identifier, name))
        except DockerError as problem:
            self.discard(spare)
            raise Refused(self._unable(spare.inputs, problem)) from None
        return spare.identifier

    def discard(self, spare: Spare) -> None:
        """It won't be needed."""
        self._remove_quietly(spare.identifier)

    def _remove_quietly(self, identifier: str) -> None:
        with suppress(DockerError):  # the next run that makes this container clears it away
            make.remove(self._docker, identifier)

    def _clear_away(self, name: str) -> None:
        """Remove what a killed run made ready; one that ever ran isn't that, and stays."""
        left = self._docker.found(lambda api: api.inspect_container(name))
        if left is not None and not was_started(left):
            make.remove(self._docker, left["Id"])

    def _started(self, identifier: str, inputs: Props) -> Seen:
        """The container once it runs or has ended; with `wait`, once it's healthy."""
        if not inputs.get("start", True):
            return self._inspected(identifier)
        self._docker.act(lambda api: api.start(identifier))
        time.sleep(SETTLE_SECONDS)
        if not inputs.get("wait"):
            return self._inspected(identifier)
        seconds = int(inputs.get("waitTimeout") or 60)
        return self._docker.act(
            lambda _: self._healthy(identifier, seconds),
            seconds + ACTION_SECONDS,
            may_be_ended=True,
        )

    def _healthy(self, identifier: str, seconds: int) -> Seen:
        deadline = time.monotonic() + seconds
        while True:
            seen = self._inspected(identifier)
            health = (seen["State"].get("Health") or {}).get("Status")
            if health == "healthy":
                return seen
            if health is None:
                raise Refused("`wait` is set, but the container has no healthcheck")
            if time.monotonic() > deadline or not seen["State"].get("Running"):
                raise Refused(f"`wait` is set, and the container is {health}")
            time.sleep(0.5)

    def _inspected(self, identifier: str) -> Seen:
        seen: Seen = self._docker.ask(lambda api: api.inspect_container(identifier))
        return seen

    def planned(self, inputs: Props, old: Props | None) -> Props:
        """The outputs as far as they are known before."""
        if old is None:
            return state.planned(CONTAINER, inputs)
        return state.updated(CONTAINER, old, inputs)

    def read(self, identifier: str, inputs: Props, outputs: Props) -> tuple[str, Props] | None:
        """As it is now; None if it's gone."""
        seen = self._docker.found(lambda api: api.inspect_container(identifier))
        if seen is None:
            return None
        known = {key: value for key, value in outputs.items() if key in CONTAINER}
        if not known:  # an import: as the official provider, for what Docker doesn't say
            known = state.made(CONTAINER, inputs) | {"mustRun": True}
        return str(seen["Id"]), state.refreshed(CONTAINER, outputs_of(seen, known))

    def update(self, identifier: str, outputs: Props, news: Props) -> Props:
        """Change what Docker changes in place; start it if it must run and doesn't."""
        try:
            if any(_given(outputs.get(key)) != _given(news.get(key)) for key in _CHANGED):
                self._change(identifier, news)
            must_run, is_running = news.get("mustRun", True), outputs.get("mustRun", True)
            if must_run and not is_running and news.get("start", True):
                self._docker.act(lambda api: api.start(identifier))
        except DockerError as problem:
            raise Refused(self._says(news, f"Unable to update: {problem.words}")) from None
        return state.updated(CONTAINER, outputs, news)

    def _change(self, identifier: str, news: Props) -> None:
        wanted = {key: value for key, value in resources(news).items() if value}
        if "Memory" in wanted and "MemorySwap" not in wanted:
            # Docker refuses a limit above the swap limit that it chose itself at the beginning.
            swap = self._inspected(identifier)["HostConfig"].get("MemorySwap") or 0
            if 0 < swap < wanted["Memory"]:
                wanted["MemorySwap"] = 2 * wanted["Memory"]
        wanted["RestartPolicy"] = restart_policy(news)
        self._docker.act(lambda api: api.post_json("/containers/{0}/update", wanted, identifier))

    def delete(self, urn: str, identifier: str, known: Props) -> None:
        """Stop it with its time of grace, and remove it; one that's gone already is fine. Before a
        replacement, only once its successor is ready."""
        is_replaced = REPLACEMENTS.prepare(urn, identifier)
        try:
            if not is_replaced:
                self._clear_away(f"{known.get('name')}{SUFFIX}")
            self._stop(identifier, int(known.get("destroyGraceSeconds") or 0) or GRACE_SECONDS)
            make.remove(self._docker, identifier, with_volumes=known.get("removeVolumes", True))
        except DockerError as problem:
            if (spare := REPLACEMENTS.spare(urn)) is not None:
                spare.containers.discard(spare)
            raise Refused(self._says(known, f"Unable to remove: {problem.words}")) from None

    def _stop(self, identifier: str, grace_seconds: int) -> None:
        try:
            self._docker.act(
                lambda api: api.stop(identifier, timeout=grace_seconds),
                grace_seconds + ACTION_SECONDS,
            )
        except DockerError as problem:
            if problem.status not in (304, 404):
                raise

    def _unable(self, inputs: Props, problem: DockerError) -> str:
        image = f" (image {inputs['image']})" if problem.status == 404 else ""
        return self._says(inputs, f"Unable to create container: {problem.words}{image}")

    def _says(self, known: Props, words: str) -> str:
        return f"{self._docker.name}: container {known.get('name')}: {words}"


def _words(problem: Exception) -> str:
    return problem.words if isinstance(problem, DockerError) else str(problem)


def _given(value: Any) -> Any:
    return value or None


def _taken(name: str, other: Mapping[str, Any], words: str) -> str:
    """By what a name is taken, and what to do."""
    config = other.get("Config") or {}
    labels = config.get("Labels") or {}
    status = (other.get("State") or {}).get("Status", "?")
    project = labels.get("com.docker.compose.project")
    maker = f"by Docker Compose (project {project})" if project else "by hand or by another tool"
    said = f" Docker says: {words}" if words else ""
    return (
        "one of this name is there already, and this stack's state doesn't know it"
        f" (id {str(other.get('Id', '?'))[:12]}, image {config.get('Image', '?')}, created"
        f" {str(other.get('Created', '?'))[:19]} {maker}, {status}); nothing was changed. Look at"
        f" it with `docker inspect {name}` on the host; then stop and remove it, or"
        f" rename it, or give this one another name, and run again.{said}"
    )
