"""docker:index/volume:Volume on one host."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from plugins.docker import state
from plugins.docker.client import Docker
from plugins.docker.container_body import labels_of
from plugins.docker.errors import DockerError, Refused
from plugins.docker.other_fields import VOLUME
from plugins.docker.values import Props

META = state.meta(1)
_IN_USE_SECONDS = 30
"""As the official provider: its container may still be going."""


class Volumes:
    """The volumes of one host."""

    def __init__(self, docker: Docker) -> None:
        self._docker = docker

    def create(self, urn: str, inputs: Props) -> tuple[str, Props]:
        """Make it; one that is there already is taken over, as Docker does."""
        name = str(inputs["name"])
        try:
            seen = self._docker.act(
                lambda api: api.create_volume(
                    name,
                    driver=inputs.get("driver"),
                    driver_opts=inputs.get("driverOpts"),
                    labels=labels_of(inputs.get("labels")),
                )
            )
        except DockerError as problem:
            raise Refused(self._says(name, f"Unable to create volume: {problem.words}")) from None
        return str(seen["Name"]), _outputs(seen, state.made(VOLUME, inputs))

    def planned(self, inputs: Props, old: Props | None) -> Props:
        """The outputs as far as they are known before."""
        return state.planned(VOLUME, inputs) if old is None else {**old}

    def read(self, identifier: str, inputs: Props, outputs: Props) -> tuple[str, Props] | None:
        """As it is now; None if it's gone."""
        seen = self._docker.found(lambda api: api.inspect_volume(identifier))
        if seen is None:
            return None
        known = {key: value for key, value in outputs.items() if key in VOLUME}
        known = known or state.made(VOLUME, inputs)
        return str(seen["Name"]), state.refreshed(VOLUME, _outputs(seen, known))

    def update(self, identifier: str, outputs: Props, news: Props) -> Props:
        """Nothing of a volume changes in place."""
        return {**outputs}

    def delete(self, urn: str, identifier: str, known: Props) -> None:
        """Remove it, with what it holds."""
        deadline = time.monotonic() + _IN_USE_SECONDS
        while True:
            try:
                self._docker.act(lambda api: api.remove_volume(identifier, force=True))
            except DockerError as problem:
                if problem.status == 404:
                    return
                if "volume is in use" in problem.words and time.monotonic() < deadline:
                    time.sleep(1)
                    continue
                raise Refused(
                    self._says(identifier, f"Unable to remove: {problem.words}")
                ) from None
            return

    def _says(self, name: str, words: str) -> str:
        return f"{self._docker.name}: volume {name}: {words}"


def _outputs(seen: Mapping[str, Any], known: Props) -> Props:
    return {
        **known,
        "name": seen["Name"],
        "driver": seen["Driver"],
        "driverOpts": known.get("driverOpts") or seen.get("Options") or None,
        "mountpoint": seen["Mountpoint"],
    }
