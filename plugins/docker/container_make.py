"""Making a container up to where it could be started."""

from __future__ import annotations

import base64
import binascii
import io
import tarfile
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from plugins.docker.client import Docker
from plugins.docker.errors import DockerError, Refused
from plugins.docker.values import Props

if TYPE_CHECKING:
    from plugins.docker.transport import Api


_BUILT_IN = ("default", "bridge", "host", "none", "nat")


def create(docker: Docker, name: str, body: Mapping[str, Any], platform: str) -> str:
    """Make it; its id. DockerError with Docker's refusal."""
    query = f"?name={quote(name)}" + (f"&platform={quote(platform)}" if platform else "")
    made = docker.act(lambda api: api.post_json(f"/containers/create{query}", body))
    return str(made["Id"])


def complete(docker: Docker, identifier: str, inputs: Props) -> None:
    """Connect it to its networks, put its files into it. DockerError or Refused if that fails."""
    _connect(docker, identifier, inputs)
    for upload in inputs.get("uploads") or []:
        docker.act(partial(_put, identifier=identifier, archive=_archive(upload)))


def require_networks(docker: Docker, inputs: Props) -> None:
    """DockerError for a network that isn't there: Docker itself says it at the start only."""
    mode = str(inputs.get("networkMode") or "bridge")
    names = [str(network["name"]) for network in inputs.get("networksAdvanced") or []]
    if mode not in _BUILT_IN and not mode.startswith("container:"):
        names.append(mode)
    for name in names:
        docker.ask(partial(_network, name=name))


def remove(docker: Docker, identifier: str, *, with_volumes: bool = True) -> None:
    """Remove it in any state; one that's gone already, or is going, is fine."""
    try:
        docker.act(lambda api: api.remove_container(identifier, v=with_volumes, force=True))
    except DockerError as problem:
        if problem.status != 404 and "already in progress" not in problem.words:
            raise


def _connect(docker: Docker, identifier: str, inputs: Props) -> None:
    networks = inputs.get("networksAdvanced") or []
    if not networks:
        return
    try:
        docker.act(
            lambda api: api.disconnect_container_from_network(identifier, "bridge", force=False)
        )
    except DockerError as problem:
        if "is not connected to" not in problem.words:
            raise
    for network in networks:
        body = {"Container": identifier, "EndpointConfig": _endpoint(network)}
        docker.act(partial(_join, name=str(network["name"]), body=body))


def _put(api: Api, identifier: str, archive: bytes) -> None:
    api.put_archive(identifier, "/", archive)


def _network(api: Api, name: str) -> object:
    return api.inspect_network(name)


def _join(api: Api, name: str, body: Mapping[str, Any]) -> None:
    api.post_json("/networks/{0}/connect", body, name)


def _endpoint(network: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "Aliases": network.get("aliases") or [],
        "IPAMConfig": {
            "IPv4Address": network.get("ipv4Address") or "",
            "IPv6Address": network.get("ipv6Address") or "",
            "LinkLocalIPs": network.get("linkLocalIps") or [],
        },
        "MacAddress": network.get("macAddress") or "",
        "DriverOpts": dict(
            word.split("=", 1) for word in network.get("driverOpts") or [] if "=" in word
        ),
    }
    if network.get("gwPriority"):
        found["GwPriority"] = network["gwPriority"]
    return found


def _archive(upload: Mapping[str, Any]) -> bytes:
    """A tar file with the one file. Refused if there isn't exactly one content."""
    mode = int(upload.get("permissions") or ("744" if upload.get("executable") else "644"), 8)
    content = _content(upload)
    item = tarfile.TarInfo(str(upload["file"]).lstrip("/"))
    item.size, item.mode, item.mtime = len(content), mode, int(time.time())
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        archive.addfile(item, io.BytesIO(content))
    return packed.getvalue()


def _content(upload: Mapping[str, Any]) -> bytes:
    given = [key for key in ("content", "contentBase64", "source") if upload.get(key)]
    if len(given) != 1:
        raise Refused(
            f"upload of {upload['file']}: give one of content, contentBase64 and source;"
            f" found: {', '.join(given) or 'none'}"
        )
    value = str(upload[given[0]])
    if given[0] == "content":
        return value.encode()
    try:
        if given[0] == "source":
            return Path(value).read_bytes()
        return base64.b64decode(value, validate=True)
    except (OSError, binascii.Error) as problem:
        raise Refused(f"upload of {upload['file']}: {given[0]}: {problem}") from None
