"""Replacing a container so that one which Docker refuses never costs the old one.

A name and a host port can be had only once, so Pulumi deletes the old container before it asks for
the new one. But it has the inputs of every resource checked first, and one process serves the whole
run: so the delete of a container whose new inputs were checked in this run is the first half of its
replacement. The new one is made then, stopped and under a name of its own, before the old one is
touched; if Docker refuses, the delete fails and the old one runs on. What is left to the second
half is to rename and start it.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Protocol

from plugins.docker.values import Props, has_unknown

SUFFIX = ".pulumi-next"
"""Of the name of a container that waits for its turn. One that is found later, never started, was
left by a run that was killed in between, and is removed."""


class Containers(Protocol):
    """The containers of a host, as far as replacing one needs them."""

    def made_ready(self, inputs: Props, old_identifier: str) -> str:
        """The id of a new container under its name with SUFFIX; Refused if Docker refuses it."""

    def discard(self, spare: Spare) -> None:
        """Remove one that waits in vain."""


@dataclass(frozen=True)
class Announced:
    """The inputs that a container is to have; `is_new`: the state has none of it, or no more."""

    containers: Containers
    inputs: Props
    is_new: bool


@dataclass(frozen=True)
class Spare:
    """A container that waits for its turn."""

    containers: Containers
    identifier: str
    inputs: Props


class Replacements:
    """Those of this process, by URN: a container may move from one provider to another."""

    def __init__(self) -> None:
        self._announced: dict[str, Announced] = {}
        self._spares: dict[str, Spare] = {}
        self._lock = threading.Lock()

    def announce(self, urn: str, announced: Announced) -> None:
        """These inputs have been checked."""
        with self._lock:
            self._announced[urn] = announced

    def announced(self, urn: str) -> Announced | None:
        """What was announced, once."""
        with self._lock:
            return self._announced.pop(urn, None)

    def prepare(self, urn: str, old_identifier: str) -> bool:
        """Make the new container ready, if there is to be one; whether there is. Refused, with
        everything as it was, if Docker refuses it."""
        announced = self.announced(urn)
        if announced is None or has_unknown(announced.inputs):
            return False
        inputs, containers = announced.inputs, announced.containers
        identifier = containers.made_ready(inputs, old_identifier)
        with self._lock:
            self._spares[urn] = Spare(containers, identifier, inputs)
        return True

    def spare(self, urn: str) -> Spare | None:
        """The one that was made ready, once."""
        with self._lock:
            return self._spares.pop(urn, None)

    def give_up(self, containers: Containers) -> None:
        """Remove what waits in vain on a host: the run has ended before its turn came."""
        with self._lock:
            waiting = [u for u, spare in self._spares.items() if spare.containers is containers]
            spares = [self._spares.pop(urn) for urn in waiting]
            gone = [u for u, one in self._announced.items() if one.containers is containers]
            for urn in gone:
                del self._announced[urn]
        for spare in spares:
            containers.discard(spare)


REPLACEMENTS = Replacements()
