"""docker:index/remoteImage:RemoteImage on one host."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from plugins.docker import state
from plugins.docker.client import PULL_SECONDS, Docker, NoAnswer
from plugins.docker.credentials import Credentials
from plugins.docker.errors import DockerError, Refused
from plugins.docker.other_fields import IMAGE
from plugins.docker.values import Props

META = state.meta(with_timeouts=True)
Seen = Mapping[str, Any]
_BETWEEN_PULLS_SECONDS = 1.0
"""Chosen: long enough for a connection that has ended to be known as ended."""


def repository_and_tag(name: str) -> tuple[str, str]:
    """The parts of an image's name; a digest counts as the tag, which is `latest` if there is
    none."""
    repository, at, digest = name.partition("@")
    bare, colon, tag = repository.rpartition(":")
    is_tagged = bool(colon) and "/" not in tag
    if at:
        return (bare if is_tagged else repository), digest
    return (bare, tag) if is_tagged else (repository, "latest")


def repo_digest(image: Seen, name: str) -> str:
    """The digest under which the image's registry knows it; empty for a local one."""
    repository = repository_and_tag(name)[0]
    digests = image.get("RepoDigests") or []
    if name in digests:  # the name is a digest
        return name
    own = [digest for digest in digests if digest.partition("@")[0] == repository]
    return str((own or digests or [""])[0])


def _inspected(api: Any, name: str) -> Seen:
    found: Seen = api.inspect_image(name)
    return found


class Images:
    """The images of one host. `credentials_for` gives the registry's credentials for an image."""

    def __init__(
        self, docker: Docker, credentials_for: Callable[[str], Credentials | None]
    ) -> None:
        self._docker = docker
        self._credentials_for = credentials_for

    def create(self, urn: str, inputs: Props) -> tuple[str, Props]:
        """Pull it, unless the host has it; with pull triggers in any case."""
        name = str(inputs["name"])
        found = self._found(name)
        if found is None or inputs.get("pullTriggers"):
            found = self.pull(name, str(inputs.get("platform") or ""))
        return str(found["Id"]) + name, self._outputs(found, state.made(IMAGE, inputs))

    def pull(self, name: str, platform: str) -> Seen:
        """Bring it to the host; what Docker says of it. Refused with the daemon's or the
        registry's words."""
        repository, tag = repository_and_tag(name)
        credentials = self._credentials_for(name)

        def pull(api: Any) -> None:
            # No credentials are credentials too: else the library would look for its own.
            steps = api.pull(
                repository,
                tag,
                stream=True,
                decode=True,
                auth_config=dict(credentials or {}),
                platform=platform or None,
            )
            for step in steps:
                if error := step.get("error"):
                    raise DockerError(self._docker.name, str(error), 500)

        try:
            self._tried(pull)
            found = self._found(name)
        except DockerError as problem:
            raise Refused(self._unable(name, problem.words)) from None
        if found is None:
            raise Refused(self._unable(name, "it isn't there after the pull"))
        return found

    def _tried(self, pull: Callable[[Any], None]) -> None:
        """Once more if the connection ends in the middle: what has come stays on the host."""
        for is_last in (False, False, True):
            try:
                self._docker.act(pull, PULL_SECONDS, may_be_ended=True)
                return
            except DockerError as problem:
                if is_last or problem.status or isinstance(problem, NoAnswer):
                    raise
            time.sleep(_BETWEEN_PULLS_SECONDS)

    def _unable(self, name: str, words: str) -> str:
        return f"{self._docker.name}: unable to pull image {name}: {words}"

    def _found(self, name: str) -> Seen | None:
        found: Seen | None = self._docker.found(partial(_inspected, name=name))
        return found

    def _outputs(self, image: Seen, known: Props) -> Props:
        name = str(known["name"])
        return {**known, "imageId": str(image["Id"]), "repoDigest": repo_digest(image, name)}

    def planned(self, inputs: Props, old: Props | None) -> Props:
        """The outputs as far as they are known before."""
        if old is None:
            return state.planned(IMAGE, inputs)
        return state.updated(IMAGE, old, inputs)

    def read(self, identifier: str, inputs: Props, outputs: Props) -> tuple[str, Props] | None:
        """As it is now; None if the host doesn't have it."""
        known = {key: value for key, value in outputs.items() if key in IMAGE}
        known = known or state.made(IMAGE, inputs)
        name = str(known.get("name") or "")
        if not name or (found := self._found(name)) is None:
            return None
        return str(found["Id"]) + name, self._outputs(found, known)

    def update(self, identifier: str, outputs: Props, news: Props) -> Props:
        """Only what is done at its end has changed."""
        return state.updated(IMAGE, outputs, news)

    def delete(self, urn: str, identifier: str, known: Props) -> None:
        """Remove it from the host, unless it's to be kept there."""
        name = str(known.get("name") or "")
        if known.get("keepLocally") or not name:
            return
        is_forced = bool(known.get("forceRemove"))
        try:
            self._docker.act(lambda api: api.remove_image(name, force=is_forced))
        except DockerError as problem:
            if problem.status != 404:
                raise Refused(
                    f"{self._docker.name}: image {name}: Unable to remove: {problem.words}"
                ) from None
