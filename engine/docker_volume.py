"""docker:index/volume:Volume."""

from __future__ import annotations

from engine.docker_api import Docker, DockerError, escaped
from engine.docker_schema import outputs_of, read_inputs
from engine.provider import ProviderError
from engine.values import UNKNOWN, Props

COMPUTED = ("driver", "mountpoint")


class Volumes:
    """The volumes of one host."""

    def __init__(self, docker: Docker) -> None:
        self._docker = docker

    def planned(self, inputs: Props, old: Props | None) -> Props:
        """The outputs as far as they are known before the update."""
        before = dict.fromkeys(COMPUTED, UNKNOWN) if old is None else old
        return {**before, **outputs_of(inputs, {})}

    def create(self, urn: str, inputs: Props) -> tuple[str, Props]:
        """Make it; one that is there already is taken over, as Docker does."""
        get, name = inputs.get, str(inputs["name"])
        body = {
            "Name": name,
            "Driver": get("driver") or "local",
            "DriverOpts": get("driverOpts") or {},
            "Labels": {item["label"]: item["value"] for item in get("labels") or []},
        }
        try:
            seen = self._docker.post("/volumes/create", body)
        except DockerError as problem:
            raise ProviderError(
                f"{self._docker.url}: volume {name}: Unable to create volume: {problem.message}"
            ) from None
        outputs = outputs_of(inputs, {})
        return name, {**outputs, "driver": seen["Driver"], "mountpoint": seen["Mountpoint"]}

    def read(
        self, identifier: str, inputs: Props, outputs: Props
    ) -> tuple[str, Props, Props] | None:
        """As it is now; None if it's gone."""
        seen = self._docker.get(f"/volumes/{escaped(identifier)}")
        if seen is None:
            return None
        now = {"name": seen["Name"], "driver": seen["Driver"], "mountpoint": seen["Mountpoint"]}
        return identifier, read_inputs(inputs, {}), {**outputs, **now}

    def update(self, identifier: str, olds: Props, outputs: Props, news: Props) -> Props:
        """Nothing of a volume changes in place."""
        return {**outputs, **outputs_of(news, {})}

    def delete(self, identifier: str, inputs: Props, outputs: Props) -> None:
        """Remove it, with what it holds."""
        try:
            self._docker.request("DELETE", f"/volumes/{escaped(identifier)}")
        except DockerError as problem:
            if problem.status != 404:
                raise ProviderError(
                    f"{self._docker.url}: volume {identifier}: Unable to remove: {problem.message}"
                ) from None
