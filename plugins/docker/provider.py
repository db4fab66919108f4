"""The provider of one daemon: its settings, and the rules that all of its resources share."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from plugins.docker import containers, fixed, images, networks, state, volumes
from plugins.docker.address import address_of
from plugins.docker.check import (
    DEFAULTS,
    Checked,
    CheckFailure,
    checked,
    name_automatically,
    required,
)
from plugins.docker.client import Docker
from plugins.docker.container_fields import CONTAINER
from plugins.docker.credentials import Credentials, credentials_for
from plugins.docker.diff import Diff, compared
from plugins.docker.errors import DockerError, HalfDone, Refused
from plugins.docker.fields import Fields
from plugins.docker.other_fields import IMAGE, NETWORK, VOLUME
from plugins.docker.replacements import REPLACEMENTS, Announced
from plugins.docker.values import UNKNOWN, Props, has_unknown

CONTAINER_TYPE = "docker:index/container:Container"
HELPER_SECONDS = 30
"""Chosen: a credential helper may have to ask the cloud's own service."""


@dataclass(frozen=True)
class Kind:
    """A type of resource. `goes_first`: the old one goes before the new one comes, even if its
    name was given by nobody."""

    fields: Fields
    noted: str
    is_named: bool = True
    goes_first: bool = False


KINDS = {
    CONTAINER_TYPE: Kind(CONTAINER, containers.META, goes_first=True),
    "docker:index/remoteImage:RemoteImage": Kind(IMAGE, images.META, is_named=False),
    "docker:index/network:Network": Kind(NETWORK, fixed.META),
    "docker:index/volume:Volume": Kind(VOLUME, fixed.META),
}
_SETTINGS = frozenset(
    {
        *("host", "sshOpts", "certPath", "registryAuth", "context", "version"),
        *("disableDockerDaemonCheck", "pluginDownloadURL"),
    }
)


@dataclass(frozen=True)
class Row:
    """A resource as the state has it."""

    urn: str
    identifier: str
    inputs: Props
    outputs: Props

    @property
    def known(self) -> Props:
        """What it was made from."""
        return self.inputs or self.outputs


class ObjectsOfType(Protocol):
    """The resources of one type on one daemon."""

    def create(self, urn: str, inputs: Props) -> tuple[str, Props]: ...

    def planned(self, inputs: Props, old: Props | None) -> Props: ...

    def read(self, identifier: str, inputs: Props, outputs: Props) -> tuple[str, Props] | None: ...

    def update(self, identifier: str, outputs: Props, news: Props) -> Props: ...

    def delete(self, urn: str, identifier: str, known: Props) -> None: ...


def type_of(urn: str) -> str:
    """The type of a resource. Refused for one that isn't supported."""
    found = urn.split("::", 3)[2].rpartition("$")[2]
    if found not in KINDS:
        known = ", ".join(sorted(KINDS))
        raise Refused(f"{found} is not supported by this docker plugin, which has {known}")
    return found


def settings_refused(settings: Mapping[str, Any]) -> list[CheckFailure]:
    """The settings of a provider that this one doesn't have."""
    return [
        CheckFailure(key, "is not supported by this docker plugin; leave it out")
        for key, value in sorted(settings.items())
        if key not in _SETTINGS and not key.startswith("__") and value not in (None, "", False)
    ]


SIGNATURE, SECRET = "4dabf18193072939515e22adb298388d", "1b47061264138c4ac30d75fd1eb44270"
"""Pulumi's mark of a special value, and what it is at a secret. Source: sdk/go/common/resource."""


class Provider:
    """One daemon's. One on another host is logged in to when something is to be done or read
    there, not before: at 50 hosts the logins took two thirds of a preview (Measured)."""

    def __init__(self) -> None:
        self._docker: Docker | None = None
        self._containers: containers.Containers | None = None
        self._resources: dict[str, ObjectsOfType] = {}
        self._registries: list[Mapping[str, Any]] = []
        self._looks = True

    def configure(self, settings: Props) -> None:
        """Take the settings; nobody is asked anything. Refused for what isn't supported."""
        if failures := settings_refused(settings):
            raise Refused("; ".join(f"docker.Provider: {f.property} {f.reason}" for f in failures))
        plain = {key: _decoded(value) for key, value in settings.items()}
        if has_unknown(plain):  # in a preview: what it depends on isn't there yet
            return
        self._registries = plain.get("registryAuth") or []
        self._looks = plain.get("disableDockerDaemonCheck") not in (True, "true")
        try:
            docker = Docker(address_of(plain))
        except DockerError as problem:
            raise Refused(str(problem)) from None
        pictures = images.Images(docker, self._credentials_for)
        self._docker = docker
        self._containers = containers.Containers(docker, pictures.pull)
        self._resources = {
            CONTAINER_TYPE: self._containers,
            "docker:index/remoteImage:RemoteImage": pictures,
            "docker:index/network:Network": networks.Networks(docker),
            "docker:index/volume:Volume": volumes.Volumes(docker),
        }

    def _credentials_for(self, image: str) -> Credentials | None:
        assert self._docker is not None
        docker = self._docker

        def within(question: Callable[[], Any]) -> Any:
            return docker.act(lambda _: question(), HELPER_SECONDS, may_be_ended=True)

        return credentials_for(image, self._registries, within)

    def check(self, urn: str, olds: Props | None, news: Props) -> Checked:
        """The inputs with defaults and a name; what isn't supported is refused by name.
        DockerError if a daemon that takes no login doesn't answer: as the official provider, which
        asks every daemon."""
        type_ = type_of(urn)
        if self._docker is not None and not self._docker.address.is_ssh:
            self._look()
        kind = KINDS[type_]
        found = checked(kind.fields, news)
        if kind.is_named:
            name_automatically(found.inputs, olds, urn)
        found.failures += required(kind.fields, found.inputs)
        if type_ == CONTAINER_TYPE and self._containers is not None:
            REPLACEMENTS.announce(urn, Announced(self._containers, found.inputs, not olds))
        return found

    def diff(self, old: Row, news: Props, ignored: Iterable[str]) -> tuple[Diff, bool]:
        """What changes, and whether the old one goes before the new one comes."""
        kind = KINDS[type_of(old.urn)]
        found = compared(kind.fields, old.outputs, news, ignored)
        is_fixed = kind.is_named and "name" not in (news.get(DEFAULTS) or ())
        return found, bool(found.replaces) and (kind.goes_first or is_fixed)

    def create(self, urn: str, inputs: Props, *, is_preview: bool) -> tuple[str, Props]:
        """Make the object; in a preview only reach its daemon."""
        kind = KINDS[type_of(urn)]
        if is_preview:
            self._look()
            return "", {**state.planned(kind.fields, inputs), "id": UNKNOWN}
        try:
            identifier, outputs = self._of(urn).create(urn, inputs)
        except HalfDone as failed:
            failed.outputs = state.sealed(
                kind.fields, failed.outputs, failed.identifier, kind.noted, is_new=True
            )
            raise
        return identifier, state.sealed(kind.fields, outputs, identifier, kind.noted, is_new=True)

    def update(self, old: Row, news: Props, *, is_preview: bool) -> Props:
        """Change the object in place; in a preview only reach its daemon."""
        kind = KINDS[type_of(old.urn)]
        if is_preview:
            self._look()
            outputs = self._of(old.urn).planned(news, old.outputs)
        else:
            outputs = self._of(old.urn).update(old.identifier, old.outputs, news)
        return state.sealed(kind.fields, outputs, old.identifier, kind.noted)

    def read(self, old: Row) -> tuple[str, Props, Props] | None:
        """The object as it is: id, inputs and outputs; None if it's gone."""
        kind = KINDS[type_of(old.urn)]
        found = self._of(old.urn).read(old.identifier, old.inputs, old.outputs)
        if found is None:
            return None
        identifier, outputs = found
        sealed = state.sealed(kind.fields, outputs, identifier, kind.noted)
        if old.inputs:
            inputs = state.inputs_after_read(old.inputs, outputs)
        else:
            inputs = state.imported(kind.fields, outputs)
        return identifier, inputs, sealed

    def delete(self, old: Row) -> None:
        """Remove the object."""
        self._of(old.urn).delete(old.urn, old.identifier, old.known)

    def _of(self, urn: str) -> ObjectsOfType:
        type_ = type_of(urn)
        if not self._resources:
            raise Refused("the docker provider's settings aren't known yet")
        return self._resources[type_]

    def _look(self) -> None:
        if self._docker is not None and self._looks:
            self._docker.reach()

    def cancel(self) -> None:
        """End pulls and waits."""
        if self._docker is not None:
            self._docker.cancel()

    def close(self) -> None:
        """Leave nothing on the host that waits in vain; give the connections back."""
        if self._containers is not None:
            REPLACEMENTS.give_up(self._containers)
        if self._docker is not None:
            self._docker.close()


def _decoded(value: Any) -> Any:
    """A setting without the marks of secrets; the SDK sends a nested one as JSON text."""
    value = _unmarked(value)
    if isinstance(value, str) and value[:1] in ("[", "{"):
        try:
            return _unmarked(json.loads(value))
        except ValueError:
            return value
    return value


def _unmarked(value: Any) -> Any:
    """What stands behind the marks of secrets."""
    if isinstance(value, dict):
        if value.get(SIGNATURE) == SECRET:
            return _unmarked(value.get("value"))
        return {key: _unmarked(item) for key, item in value.items()}
    return [_unmarked(item) for item in value] if isinstance(value, list) else value
