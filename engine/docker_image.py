"""docker:index/remoteImage:RemoteImage."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from engine.docker_api import Docker, DockerError, escaped, split_image
from engine.docker_schema import outputs_of, read_inputs
from engine.provider import ProviderError
from engine.values import UNKNOWN, Props

COMPUTED = ("imageId", "repoDigest")


def repo_digest(image: Mapping[str, Any], name: str) -> str:
    """The digest under which the image's registry knows it; empty for a local one."""
    repository = split_image(name)[0]
    digests = image.get("RepoDigests") or []
    if name in digests:  # the name is a digest
        return name
    own = [d for d in digests if d.partition("@")[0] == repository]
    return str((own or digests or [""])[0])


class Images:
    """The images of one host. `auth_for` gives the registry's credentials for an image."""

    def __init__(self, docker: Docker, auth_for: Callable[[str], Mapping[str, str] | None]) -> None:
        self._docker = docker
        self._auth_for = auth_for

    def planned(self, inputs: Props, old: Props | None) -> Props:
        """The outputs as far as they are known before the update."""
        before = dict.fromkeys(COMPUTED, UNKNOWN) if old is None else old
        return {**before, **outputs_of(inputs, {})}

    def create(self, urn: str, inputs: Props) -> tuple[str, Props]:
        """Pull it, unless the host has it; with pull triggers in any case."""
        name = str(inputs["name"])
        try:
            found = self._find(name)
            if found is None or inputs.get("pullTriggers"):
                self._docker.pull(name, inputs.get("platform") or "", self._auth_for(name))
                found = self._find(name)
        except DockerError as problem:
            raise ProviderError(
                f"{self._docker.url}: Unable to read Docker image into resource: unable to pull "
                f"image {name}: {problem.message}"
            ) from None
        if found is None:
            raise ProviderError(f"{self._docker.url}: image {name} isn't there after its pull")
        return str(found["Id"]) + name, self._outputs(found, inputs)

    def _find(self, name: str) -> Mapping[str, Any] | None:
        found: Mapping[str, Any] | None = self._docker.get(f"/images/{escaped(name)}/json")
        return found

    def _outputs(self, image: Mapping[str, Any], inputs: Props) -> Props:
        name = str(inputs["name"])
        seen = {"imageId": str(image["Id"]), "repoDigest": repo_digest(image, name)}
        return {**outputs_of(inputs, {}), **seen}

    def read(
        self, identifier: str, inputs: Props, outputs: Props
    ) -> tuple[str, Props, Props] | None:
        """As it is now; None if the host doesn't have it."""
        name = str(outputs.get("name") or inputs.get("name") or "")
        found = self._find(name) if name else None
        if found is None:
            return None
        seen = {"imageId": str(found["Id"]), "repoDigest": repo_digest(found, name)}
        return identifier, read_inputs(inputs, {}), {**outputs, **seen}

    def update(self, identifier: str, olds: Props, outputs: Props, news: Props) -> Props:
        """Only what is done at its end has changed."""
        gone = {key: None for key in ("keepLocally", "forceRemove") if key not in news}
        return {**outputs, **gone, **outputs_of(news, {})}

    def delete(self, identifier: str, inputs: Props, outputs: Props) -> None:
        """Remove it from the host, unless it's to be kept there."""
        known = inputs or outputs
        name = str(known.get("name") or "")
        if known.get("keepLocally"):
            return
        query = {"force": "true"} if known.get("forceRemove") else {}
        try:
            self._docker.request("DELETE", f"/images/{escaped(name)}", query=query)
        except DockerError as problem:
            if problem.status != 404:
                raise ProviderError(
                    f"{self._docker.url}: image {name}: Unable to remove: {problem.message}"
                ) from None
