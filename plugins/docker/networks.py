"""docker:index/network:Network on one host."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from plugins.docker import state
from plugins.docker.client import Docker
from plugins.docker.container_body import labels_of
from plugins.docker.errors import DockerError, Refused
from plugins.docker.other_fields import NETWORK
from plugins.docker.values import Props

META = state.meta(1)
_IN_USE_SECONDS = 30
"""As the official provider: containers may still be leaving it."""
Seen = Mapping[str, Any]


class Networks:
    """The networks of one host."""

    def __init__(self, docker: Docker) -> None:
        self._docker = docker

    def create(self, urn: str, inputs: Props) -> tuple[str, Props]:
        """Make it. A network of the same name is an error (older Dockers would make a second)."""
        name, body = str(inputs["name"]), _body(inputs)
        try:
            made = self._docker.act(lambda api: api.post_json("/networks/create", body))
            identifier = str(made["Id"])
            seen = self._docker.ask(lambda api: api.inspect_network(identifier))
        except DockerError as problem:
            raise Refused(self._says(name, f"Unable to create network: {problem.words}")) from None
        return identifier, _outputs(seen, state.made(NETWORK, inputs))

    def planned(self, inputs: Props, old: Props | None) -> Props:
        """The outputs as far as they are known before."""
        return state.planned(NETWORK, inputs) if old is None else {**old}

    def read(self, identifier: str, inputs: Props, outputs: Props) -> tuple[str, Props] | None:
        """As it is now; None if it's gone."""
        seen = self._docker.found(lambda api: api.inspect_network(identifier))
        if seen is None:
            return None
        known = {key: value for key, value in outputs.items() if key in NETWORK}
        known = known or state.made(NETWORK, inputs)
        return str(seen["Id"]), state.refreshed(NETWORK, _outputs(seen, known))

    def update(self, identifier: str, outputs: Props, news: Props) -> Props:
        """Nothing of a network changes in place."""
        return {**outputs}

    def delete(self, urn: str, identifier: str, known: Props) -> None:
        """Remove it."""
        deadline = time.monotonic() + _IN_USE_SECONDS
        while True:
            try:
                self._docker.act(lambda api: api.remove_network(identifier))
            except DockerError as problem:
                if problem.status == 404:
                    return
                if "has active endpoints" in problem.words and time.monotonic() < deadline:
                    time.sleep(1)
                    continue
                name = str(known.get("name"))
                raise Refused(self._says(name, f"Unable to remove: {problem.words}")) from None
            return

    def _says(self, name: str, words: str) -> str:
        return f"{self._docker.name}: network {name}: {words}"


def _body(inputs: Props) -> dict[str, Any]:
    get = inputs.get
    names = {
        "subnet": "Subnet",
        "gateway": "Gateway",
        "ipRange": "IPRange",
        "auxAddress": "AuxiliaryAddresses",
    }
    return {
        "Name": inputs["name"],
        "CheckDuplicate": True,
        "Driver": get("driver") or "bridge",
        "Internal": bool(get("internal")),
        "Attachable": bool(get("attachable")),
        "Ingress": bool(get("ingress")),
        "EnableIPv6": bool(get("ipv6")),
        "Options": get("options") or {},
        "Labels": labels_of(get("labels")),
        "IPAM": {
            "Driver": get("ipamDriver") or "default",
            "Options": get("ipamOptions") or {},
            "Config": [
                {theirs: config[ours] for ours, theirs in names.items() if config.get(ours)}
                for config in get("ipamConfigs") or []
            ],
        },
    }


def _outputs(seen: Seen, known: Props) -> Props:
    ipam = seen.get("IPAM") or {}
    return {
        **known,
        "name": seen.get("Name") or known.get("name"),
        "labels": known.get("labels") or _labels(seen),
        "driver": seen.get("Driver") or "",
        "scope": seen.get("Scope") or "",
        "internal": bool(seen.get("Internal")),
        "attachable": bool(seen.get("Attachable")),
        "ingress": bool(seen.get("Ingress")),
        "ipv6": bool(seen.get("EnableIPv6")),
        "options": seen.get("Options") or {},
        "ipamDriver": ipam.get("Driver") or "default",
        "ipamConfigs": known.get("ipamConfigs")
        or [
            {
                "auxAddress": config.get("AuxiliaryAddresses") or {},
                "gateway": config.get("Gateway") or "",
                "ipRange": config.get("IPRange") or "",
                "subnet": config.get("Subnet") or "",
            }
            for config in ipam.get("Config") or []
        ],
    }


def _labels(seen: Seen) -> list[dict[str, str]]:
    return [{"label": k, "value": v} for k, v in sorted((seen.get("Labels") or {}).items())]
