"""docker:index/network:Network on one host."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from plugins.docker.container_body import labels_of
from plugins.docker.fixed import FixedObjects, Seen
from plugins.docker.other_fields import NETWORK
from plugins.docker.values import Props

if TYPE_CHECKING:  # Docker's library is imported when a daemon is asked
    from plugins.docker.transport import Api


class Networks(FixedObjects):
    """The networks of one host."""

    noun, fields, identity, in_use = "network", NETWORK, "Id", "has active endpoints"

    def _made(self, name: str, inputs: Props) -> Seen:
        """One of the same name is an error (older Dockers would make a second)."""
        body = _body(inputs)
        made = self._docker.act(lambda api: api.post_json("/networks/create", body))
        seen: Seen = self._docker.ask(lambda api: api.inspect_network(str(made["Id"])))
        return seen

    def _inspected(self, api: Api, identifier: str) -> Seen:
        seen: Seen = api.inspect_network(identifier)
        return seen

    def _remove(self, api: Api, identifier: str) -> None:
        api.remove_network(identifier)

    def _outputs(self, seen: Seen, known: Props) -> Props:
        return _outputs(seen, known)


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
