"""What a run may touch: all instances or some, without those whose hosts don't answer. Pure.

Pulumi takes either targets or exclusions, each as patterns of URNs; by name, since a resource that
isn't in the state yet has no URN to look up.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if (
    TYPE_CHECKING
):  # the options of every command name a scope: `exctl --help` loads no more than that
    from stack.layout import Layout

ROLES = ("image", "guard", "container", "health", "sync", "bake")
APART = ("**exec:components:Monitoring**", "**exec:components:Retention**")
"""What goes with EXEC and comes last: a run of its own."""
COMPONENTS = ("connector", "config-sync", "agent-state-sync", "conversation-provider")


@dataclass(frozen=True)
class Scope:
    """`keys`: the instances that the operator has named, None for all. `left_out`: each instance of
    the stack to which nothing can be done → why."""

    keys: frozenset[str] | None = None
    left_out: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_whole(self) -> bool:
        return self.keys is None

    @property
    def missed(self) -> dict[str, str]:
        """What was meant and is left out."""
        return {
            key: why for key, why in self.left_out.items() if self.keys is None or key in self.keys
        }

    def covers(self, key: str) -> bool:
        return key not in self.left_out and (self.keys is None or key in self.keys)


EVERYTHING = Scope()


@dataclass(frozen=True)
class Limits:
    """Patterns of URNs for Pulumi's run: at most one of the two is set."""

    target: list[str] | None = None
    exclude: list[str] | None = None


def limits(scope: Scope, layout: Layout, known: Collection[str], has_apart: bool = False) -> Limits:
    """The limits of Pulumi's run; none for a run that may touch everything.

    `known`: the names of the resources in the state. An image that isn't in it yet is taken along
    whosever it is: what is deployed first waits for every image. `has_apart`: there is, or was,
    what comes last and is no part of this run.
    """
    if scope.keys is None:
        names = [f"{role}-{key}" for key in sorted(scope.left_out) for role in ROLES]
        found = [*map(_pattern, names), *(APART if has_apart else ())]
        return Limits(exclude=found or None)
    chosen = [i for i in layout.instances if scope.covers(i.key)]
    gone = sorted(key for key in scope.keys if key not in {i.key for i in layout.instances})
    images = [
        i
        for i in layout.instances
        if i in chosen or (f"image-{i.key}" not in known and i.key not in scope.left_out)
    ]
    names = [
        *COMPONENTS,
        *(f"pair-{pair}" for pair in dict.fromkeys(i.pair for i in chosen if i.pair)),
        *(name for i in images for name in (f"host-{i.host}", f"provider-{i.host}")),
        *(f"image-{i.key}" for i in images),
        *(name for key in [*(i.key for i in chosen), *gone] for name in _of_instance(key)),
        # Pairs that wait for other pairs' bake: one that isn't in the state yet is taken along.
        *(
            f"bake-{i.key}"
            for i in layout.running
            if f"health-{i.key}" in known
            and f"bake-{i.key}" not in known
            and i.key not in scope.left_out
        ),
    ]
    return Limits(target=[_pattern(name) for name in dict.fromkeys(names)])


def _of_instance(key: str) -> list[str]:
    return [key, *(f"{role}-{key}" for role in ROLES)]


def _pattern(name: str) -> str:
    return f"**::{name}"


def left_out(layout: Layout, silent: Mapping[str, str], known: Collection[str]) -> dict[str, str]:
    """Instance → why nothing is done to it: a silent host, or it can't begin without EXCS.

    `silent`: host → what it said instead; `known`: the names of the resources in the state. Whoever
    has run before goes on without EXCS's host: the sync that it waited for has been.
    """
    found = {i.key: f"{i.host} {silent[i.host]}" for i in layout.instances if i.host in silent}
    if "excs" in found and "sync-excs" not in known:
        for i in layout.instances:
            found.setdefault(i.key, f"it waits for the sync of excs, and {found['excs']}")
    return found
