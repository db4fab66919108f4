"""The package `docker`: one provider for each host, and the rules all of its resources share."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from engine.docker_api import Docker, DockerError, split_image
from engine.docker_container import Containers
from engine.docker_image import Images
from engine.docker_network import Networks
from engine.docker_schema import (
    CONTAINER,
    DEFAULTS,
    IMAGE,
    NETWORK,
    VERSION,
    VOLUME,
    Kind,
    checked,
    compared,
    refused,
)
from engine.docker_volume import Volumes
from engine.provider import CheckFailure, Diff, Known, ProviderError
from engine.values import Props, deep_equals

KINDS: dict[str, Kind] = {
    "docker:index/container:Container": CONTAINER,
    "docker:index/remoteImage:RemoteImage": IMAGE,
    "docker:index/network:Network": NETWORK,
    "docker:index/volume:Volume": VOLUME,
}
_CONFIG = frozenset(
    {"host", "sshOpts", "certPath", "registryAuth", "version", "disableDockerDaemonCheck"}
)
_DELTA = "__pulumi_raw_state_delta"
DEFAULT_HOST = "unix:///var/run/docker.sock"


class Resources(Protocol):
    """The resources of one type on one host."""

    def planned(self, inputs: Props, old: Props | None) -> Props: ...

    def create(self, urn: str, inputs: Props) -> tuple[str, Props]: ...

    def read(
        self, identifier: str, inputs: Props, outputs: Props
    ) -> tuple[str, Props, Props] | None: ...

    def update(self, identifier: str, olds: Props, outputs: Props, news: Props) -> Props: ...

    def delete(self, identifier: str, inputs: Props, outputs: Props) -> None: ...


def kind_of(urn: str) -> str:
    """The type token of a URN."""
    return urn.split("::", 3)[2].rpartition("$")[2]


def decoded(value: Any) -> Any:
    """A nested setting of a provider: the SDK sends it as JSON text."""
    if isinstance(value, str) and value[:1] in ("[", "{"):
        return json.loads(value)
    return value


def daemon_of(config: Mapping[str, Any]) -> tuple[str, list[str], str]:
    """Address, ssh options and certificates of the daemon that the settings name."""
    host = str(config.get("host") or os.environ.get("DOCKER_HOST") or DEFAULT_HOST)
    options = decoded(config.get("sshOpts")) or []
    certificates = config.get("certPath") or os.environ.get("DOCKER_CERT_PATH") or ""
    return host, [str(word) for word in options], str(certificates)


class DockerProvider:
    """One host's Docker."""

    supports_preview = True

    def __init__(self, interrupted: frozenset[str]) -> None:
        self._interrupted = interrupted  # URNs that a killed run was creating
        self._resources: dict[str, Resources] = {}
        self._registries: list[Mapping[str, Any]] = []
        self._look: Callable[[], None] | None = None  # whether the daemon is there

    def configure(self, inputs: Props, lazily: bool) -> None:
        """Reach the daemon, in previews as well (golden 27). ProviderError names the host.

        `lazily`: a host that is reached by SSH is logged in at once something would change there:
        at 50 hosts the logins took two thirds of a preview (Measured)."""
        unknown = sorted(
            k for k in inputs if k not in _CONFIG and not k.startswith("__") and inputs[k]
        )
        if unknown:
            raise ProviderError(
                f"docker.Provider: this engine doesn't support {', '.join(unknown)}; "
                "use the Pulumi CLI"
            )
        host, options, certificates = daemon_of(inputs)
        self._registries = decoded(inputs.get("registryAuth")) or []
        docker = Docker(host, options, certificates)
        if decoded(inputs.get("disableDockerDaemonCheck")) not in (True, "true"):
            self._look = docker.connect
        if not (lazily and host.startswith("ssh://")):
            self._reach()
        self._resources = {
            "docker:index/container:Container": Containers(docker, self._interrupted),
            "docker:index/remoteImage:RemoteImage": Images(docker, self._auth_for),
            "docker:index/network:Network": Networks(docker),
            "docker:index/volume:Volume": Volumes(docker),
        }

    def _reach(self) -> None:
        if self._look is not None:
            try:
                self._look()
            except DockerError as problem:
                raise ProviderError(str(problem)) from None

    def _auth_for(self, image: str) -> Mapping[str, str] | None:
        """The credentials for an image's registry: the provider's, else the operator's own."""
        first, slash, _ = split_image(image)[0].partition("/")
        registry = first if slash and ("." in first or ":" in first) else "docker.io"
        for entry in self._registries:
            address = str(entry.get("address", "")).removeprefix("https://").rstrip("/")
            if address.partition("/")[0] == registry:
                if entry.get("authDisabled"):
                    return None
                if entry.get("username"):
                    return _auth(registry, str(entry["username"]), str(entry.get("password", "")))
                return _from_config_file(registry, str(entry.get("configFile") or ""))
        return _from_config_file(registry, "")

    def check(self, urn: str, olds: Props | None, news: Props) -> tuple[Props, list[CheckFailure]]:
        """The inputs with defaults; what isn't supported is refused by name."""
        kind = KINDS[kind_of(urn)]
        failures = refused(kind, news)
        if kind is IMAGE and not news.get("name"):
            failures.append(CheckFailure("name", "is required"))
        if kind is CONTAINER and not news.get("image"):
            failures.append(CheckFailure("image", "is required"))
        return checked(kind, urn, olds, news), failures

    def diff(self, old: Known, news: Props, ignore_changes: list[str]) -> Diff:
        """What changes, and whether in place. A container is always deleted first; networks and
        volumes are if their name is given (golden 24, 26)."""
        kind = KINDS[kind_of(old.urn)]
        named = "name" not in (news.get(DEFAULTS) or ())
        first = kind is CONTAINER or (kind in (NETWORK, VOLUME) and named)
        return compared(kind, old.outputs, news, delete_first=first, ignored=ignore_changes)

    def _of(self, urn: str) -> Resources:
        return self._resources[kind_of(urn)]

    def create(
        self, urn: str, news: Props, timeout_seconds: float, preview: bool
    ) -> tuple[str, Props]:
        """Make the object."""
        if preview:
            self._reach()
            return "", self._of(urn).planned(news, None)
        identifier, outputs = self._of(urn).create(urn, news)
        return identifier, {**outputs, "id": identifier}

    def update(self, old: Known, news: Props, timeout_seconds: float, preview: bool) -> Props:
        """Change the object in place."""
        if preview:
            self._reach()
            return self._of(old.urn).planned(news, old.outputs)
        outputs = self._of(old.urn).update(old.id, old.inputs, old.outputs, news)
        return _with_delta_that_fits(old, {**outputs, "id": old.id})

    def read(self, old: Known) -> tuple[str, Props, Props] | None:
        """The object as it is. ProviderError if the daemon doesn't say."""
        try:
            found = self._of(old.urn).read(old.id, old.inputs, old.outputs)
        except DockerError as problem:
            raise ProviderError(str(problem)) from None
        if found is None:
            return None
        identifier, inputs, outputs = found
        return identifier, inputs, _with_delta_that_fits(old, outputs)

    def delete(self, old: Known, timeout_seconds: float) -> None:
        """Remove the object."""
        self._of(old.urn).delete(old.id, old.inputs, old.outputs)

    def invoke(self, token: str, args: Props) -> tuple[Props, list[CheckFailure]]:
        """No function is supported."""
        raise ProviderError(f"the function {token} isn't supported by this engine")

    def close(self) -> None:
        """Connections are shared, and closed at the end of the command."""


def _with_delta_that_fits(old: Known, outputs: Props) -> Props:
    """The outputs, without what the CLI's plugin noted about older ones: where it doesn't fit, the
    plugin panics (seen on 5.1.0); where it's missing, it does without."""
    if all(deep_equals(old.outputs.get(key), item) for key, item in outputs.items()):
        return outputs
    return {key: item for key, item in outputs.items() if key != _DELTA}


def _auth(registry: str, user: str, password: str) -> Mapping[str, str]:
    return {"username": user, "password": password, "serveraddress": registry}


def _from_config_file(registry: str, path: str) -> Mapping[str, str] | None:
    """What `docker login` left on the operator's machine for this registry."""
    import base64

    folder = os.environ.get("DOCKER_CONFIG") or str(Path.home() / ".docker")
    file = Path(path).expanduser() if path else Path(folder) / "config.json"
    try:
        auths = json.loads(file.read_text(encoding="utf-8")).get("auths") or {}
    except (OSError, ValueError):
        return None
    for address, entry in auths.items():
        if address.removeprefix("https://").partition("/")[0] == registry and entry.get("auth"):
            user, _, password = base64.b64decode(entry["auth"]).decode().partition(":")
            return _auth(registry, user, password)
    return None


__all__ = ["KINDS", "VERSION", "DockerProvider", "daemon_of"]
