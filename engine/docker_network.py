"""docker:index/network:Network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.docker_api import Docker, DockerError
from engine.docker_schema import outputs_of, read_inputs
from engine.provider import ProviderError
from engine.values import UNKNOWN, Props

COMPUTED = ("driver", "internal", "ipamConfigs", "options", "scope")


def seen_now(seen: Mapping[str, Any]) -> Props:
    """What Docker fills in."""
    return {
        "driver": seen.get("Driver") or "",
        "scope": seen.get("Scope") or "",
        "internal": bool(seen.get("Internal")),
        "attachable": bool(seen.get("Attachable")),
        "ingress": bool(seen.get("Ingress")),
        "ipv6": bool(seen.get("EnableIPv6")),
        "options": seen.get("Options") or {},
        "ipamConfigs": [
            {
                "auxAddress": config.get("AuxiliaryAddresses") or {},
                "gateway": config.get("Gateway") or "",
                "ipRange": config.get("IPRange") or "",
                "subnet": config.get("Subnet") or "",
            }
            for config in (seen.get("IPAM") or {}).get("Config") or []
        ],
    }


class Networks:
    """The networks of one host."""

    def __init__(self, docker: Docker) -> None:
        self._docker = docker

    def planned(self, inputs: Props, old: Props | None) -> Props:
        """The outputs as far as they are known before the update."""
        before = dict.fromkeys(COMPUTED, UNKNOWN) if old is None else old
        return {**before, **outputs_of(inputs, {})}

    def create(self, urn: str, inputs: Props) -> tuple[str, Props]:
        """Make it. A network of the same name that isn't ours is an error (Docker itself would
        make a second one)."""
        get, name = inputs.get, str(inputs["name"])
        body: dict[str, Any] = {
            "Name": name,
            "CheckDuplicate": True,
            "Driver": get("driver") or "bridge",
            "Internal": bool(get("internal")),
            "Attachable": bool(get("attachable")),
            "Ingress": bool(get("ingress")),
            "EnableIPv6": bool(get("ipv6")),
            "Options": get("options") or {},
            "Labels": {item["label"]: item["value"] for item in get("labels") or []},
            "IPAM": {
                "Driver": get("ipamDriver") or "default",
                "Options": get("ipamOptions") or {},
                "Config": [
                    {
                        key: value
                        for key, value in (
                            ("Subnet", config.get("subnet")),
                            ("Gateway", config.get("gateway")),
                            ("IPRange", config.get("ipRange")),
                            ("AuxiliaryAddresses", config.get("auxAddress")),
                        )
                        if value
                    }
                    for config in get("ipamConfigs") or []
                ],
            },
        }
        try:
            made = self._docker.post("/networks/create", body)
            seen = self._docker.get(f"/networks/{made['Id']}") or {}
        except DockerError as problem:
            raise ProviderError(
                f"{self._docker.url}: network {name}: Unable to create network: {problem.message}"
            ) from None
        return str(made["Id"]), {**outputs_of(inputs, {}), **seen_now(seen)}

    def read(
        self, identifier: str, inputs: Props, outputs: Props
    ) -> tuple[str, Props, Props] | None:
        """As it is now; None if it's gone."""
        seen = self._docker.get(f"/networks/{identifier}")
        if seen is None:
            return None
        return identifier, read_inputs(inputs, {}), {**outputs, **seen_now(seen)}

    def update(self, identifier: str, olds: Props, outputs: Props, news: Props) -> Props:
        """Nothing of a network changes in place."""
        return {**outputs, **outputs_of(news, {})}

    def delete(self, identifier: str, inputs: Props, outputs: Props) -> None:
        """Remove it."""
        try:
            self._docker.request("DELETE", f"/networks/{identifier}")
        except DockerError as problem:
            if problem.status != 404:
                name = inputs.get("name") or outputs.get("name")
                raise ProviderError(
                    f"{self._docker.url}: network {name}: Unable to remove: {problem.message}"
                ) from None
