"""What networks and volumes have in common: nothing of them changes in place, and Docker removes
them only once no container uses them."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from plugins.docker import state
from plugins.docker.client import Docker
from plugins.docker.errors import DockerError, Refused
from plugins.docker.fields import Fields
from plugins.docker.values import Props

if TYPE_CHECKING:  # Docker's library is imported when a daemon is asked
    from plugins.docker.transport import Api

META = state.meta(1)
IN_USE_SECONDS = 30
"""As the official provider: a container may still be leaving it."""
Seen = Mapping[str, Any]


class FixedObjects(ABC):
    """The objects of one such type on one host."""

    noun: ClassVar[str]
    fields: ClassVar[Fields]
    identity: ClassVar[str]
    """What Docker calls the key of an object's id."""
    in_use: ClassVar[str]
    """Docker's words while a container uses it."""

    def __init__(self, docker: Docker) -> None:
        self._docker = docker

    def create(self, urn: str, inputs: Props) -> tuple[str, Props]:
        """Make it."""
        name = str(inputs["name"])
        try:
            seen = self._made(name, inputs)
        except DockerError as problem:
            raise self._unable(name, f"create {self.noun}", problem) from None
        return str(seen[self.identity]), self._outputs(seen, state.made(self.fields, inputs))

    def planned(self, inputs: Props, old: Props | None) -> Props:
        """The outputs as far as they are known before."""
        return state.planned(self.fields, inputs) if old is None else {**old}

    def read(self, identifier: str, inputs: Props, outputs: Props) -> tuple[str, Props] | None:
        """As it is now; None if it's gone."""
        seen = self._docker.found(lambda api: self._inspected(api, identifier))
        if seen is None:
            return None
        known = {key: value for key, value in outputs.items() if key in self.fields}
        known = known or state.made(self.fields, inputs)
        found = state.refreshed(self.fields, self._outputs(seen, known))
        return str(seen[self.identity]), found

    def update(self, identifier: str, outputs: Props, news: Props) -> Props:
        """Nothing changes in place."""
        return {**outputs}

    def delete(self, urn: str, identifier: str, known: Props) -> None:
        """Remove it, once nothing uses it; one that's gone already is fine."""
        deadline = time.monotonic() + IN_USE_SECONDS
        while True:
            try:
                self._docker.act(lambda api: self._remove(api, identifier))
            except DockerError as problem:
                if problem.status == 404:
                    return
                if self.in_use in problem.words and time.monotonic() < deadline:
                    time.sleep(1)
                    continue
                raise self._unable(str(known.get("name")), "remove", problem) from None
            return

    def _unable(self, name: str, what: str, problem: DockerError) -> Refused:
        said = f"Unable to {what}: {problem.words}"
        return Refused(f"{self._docker.name}: {self.noun} {name}: {said}")

    @abstractmethod
    def _made(self, name: str, inputs: Props) -> Seen: ...

    @abstractmethod
    def _inspected(self, api: Api, identifier: str) -> Seen: ...

    @abstractmethod
    def _remove(self, api: Api, identifier: str) -> None: ...

    @abstractmethod
    def _outputs(self, seen: Seen, known: Props) -> Props: ...
