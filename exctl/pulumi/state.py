"""Pulumi's state of a stack: its resources by name, and what is taken out of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from pulumi import automation as auto

from exctl.errors import ExctlError
from exctl.pulumi.workspace import last_error

PROVIDER, CONTAINER, IMAGE = "provider-", "container-", "image-"
WATCHER_PROVIDER, WATCHER = "monitoring-on-", "monitoring-"
SERVICE = "exec:components:Service"
APART = ("exec:components:Monitoring", "exec:components:Retention")
"""Components of what goes with EXEC and is deployed by a run of its own."""


@dataclass(frozen=True)
class State:
    """What the last run left. A resource's name is its role and its instance or host."""

    version: int
    deployment: Mapping[str, Any]

    @property
    def rows(self) -> list[Mapping[str, Any]]:
        return list(self.deployment.get("resources") or [])

    @property
    def names(self) -> frozenset[str]:
        return frozenset(name_of(row) for row in self.rows)

    @property
    def containers(self) -> dict[str, str]:
        """Instance → id of its container."""
        return {
            name_of(row).removeprefix(CONTAINER): str(row.get("id") or "")
            for row in self.rows
            if name_of(row).startswith(CONTAINER)
        }

    @property
    def being_made(self) -> frozenset[str]:
        """Instances whose container a run that was killed was making."""
        pending = self.deployment.get("pending_operations") or []
        names = [name_of(operation["resource"]) for operation in pending]
        return frozenset(n.removeprefix(CONTAINER) for n in names if n.startswith(CONTAINER))

    @property
    def hosts(self) -> dict[str, list[str]]:
        """Host → the instances whose containers it has; a host without one is there too."""
        found: dict[str, list[str]] = {
            name.removeprefix(PROVIDER): [] for name in self.names if name.startswith(PROVIDER)
        }
        for row in self.rows:
            name = name_of(row)
            if name.startswith(CONTAINER) and (host := host_of(row)):
                found.setdefault(host, []).append(name.removeprefix(CONTAINER))
        return found

    @property
    def monitoring(self) -> dict[str, list[str]]:
        """Host → the programs on it that watch the stack; a host without one is there too."""
        found: dict[str, list[str]] = {
            name.removeprefix(WATCHER_PROVIDER): []
            for name in sorted(self.names)
            if name.startswith(WATCHER_PROVIDER)
        }
        for row in self.rows:
            host = _after(WATCHER_PROVIDER, row)
            if host and str(row.get("type")).endswith(":Container"):
                found.setdefault(host, []).append(name_of(row).removeprefix(WATCHER))
        return found

    @property
    def held(self) -> dict[str, list[str]]:
        """Host → all that runs there: instances, and what watches them."""
        found = {host: list(keys) for host, keys in self.hosts.items()}
        for host, names in self.monitoring.items():
            found.setdefault(host, []).extend(names)
        return found

    def of_host(self, host: str) -> list[Mapping[str, Any]]:
        """A host's own resources and all that is on it."""
        own = (f"{PROVIDER}{host}", f"host-{host}", f"{WATCHER_PROVIDER}{host}")
        return [
            row
            for row in self.rows
            if host in (host_of(row), _after(WATCHER_PROVIDER, row)) or name_of(row) in own
        ]


def name_of(row: Mapping[str, Any]) -> str:
    """The resource's own name, the last part of its URN."""
    return str(row["urn"]).rpartition("::")[2]


def instance_of(row: Mapping[str, Any]) -> str:
    """The instance that a resource is of, '' for one of none: its service, or what has its name
    behind a role."""
    name = name_of(row)
    return name if row.get("type") == SERVICE else name.partition("-")[2]


def host_of(row: Mapping[str, Any]) -> str:
    """The host that a resource is on, by the provider that made it; '' for one of no host."""
    return _after(PROVIDER, row)


def _after(prefix: str, row: Mapping[str, Any]) -> str:
    """What follows the prefix in the name of a resource's provider; '' if it hasn't that prefix."""
    provider = str(row.get("provider") or "").rpartition("::")[0].rpartition("::")[2]
    return provider.removeprefix(prefix) if provider.startswith(prefix) else ""


def read(stack: auto.Stack) -> State:
    """The state as the backend has it. ExctlError if it can't be read."""
    try:
        exported = stack.export_stack()
    except auto.CommandError as error:
        raise ExctlError(f"the state of the stack can't be read: {last_error(error)}") from None
    return State(exported.version or 3, exported.deployment or {})


def write(stack: auto.Stack, state: State) -> None:
    """Puts the state into the backend. ExctlError if the backend refuses."""
    deployment = auto.Deployment(version=state.version, deployment=dict(state.deployment))
    try:
        stack.import_stack(deployment)
    except auto.CommandError as error:
        raise ExctlError(
            f"the state can't be changed: {last_error(error)}", touched=False
        ) from None


def without_host(state: State, host: str) -> State:
    """The state without a host and all that is on it, as if it had never been deployed; pure."""
    gone = {row["urn"] for row in state.of_host(host)}
    rows = [_without(row, gone) for row in state.rows if row["urn"] not in gone]
    pending = [
        operation
        for operation in state.deployment.get("pending_operations") or []
        if operation["resource"]["urn"] not in gone
    ]
    deployment = {**state.deployment, "resources": rows}
    if "pending_operations" in deployment:
        deployment["pending_operations"] = pending
    return State(state.version, deployment)


def without_edges(state: State, to: Collection[str], of: Callable[[str], bool]) -> State:
    """The state in which nothing but these instances themselves names what is of them, as far as it
    is `of` an instance that may be changed; the same object where nothing did. Pure.

    Pulumi keeps, with a resource that isn't a target, all that its row depends on: what the program
    no longer has would stay. The program says no such dependency any more, and the next run that
    touches the row writes what it says then.
    """
    gone = {
        row["urn"]
        for row in state.rows
        if instance_of(row) in to and not name_of(row).startswith(IMAGE)
    }
    rows = [
        row if row["urn"] in gone or not of(instance_of(row)) else _without(row, gone)
        for row in state.rows
    ]
    if rows == state.rows:
        return state
    return State(state.version, {**state.deployment, "resources": rows})


def is_apart(row: Mapping[str, Any]) -> bool:
    return any(component in row["urn"] for component in APART)


def detached(state: State) -> State:
    """The state in which what goes with EXEC depends on nothing of it, which it does after a plain
    `pulumi up`: Pulumi would remove no instance that something depends on. The same object where
    nothing did. Pure."""
    gone = {row["urn"] for row in state.rows if not is_apart(row)}
    rows = [_without(row, gone) if is_apart(row) else row for row in state.rows]
    if rows == state.rows:
        return state
    return State(state.version, {**state.deployment, "resources": rows})


def _without(row: Mapping[str, Any], gone: Collection[str]) -> dict[str, Any]:
    """The row with no word of the resources that are gone: Pulumi refuses a state that has any."""
    kept = dict(row)
    if kept.get("dependencies"):
        kept["dependencies"] = [urn for urn in kept["dependencies"] if urn not in gone]
    if kept.get("propertyDependencies"):
        kept["propertyDependencies"] = {
            name: [urn for urn in urns or [] if urn not in gone]
            for name, urns in kept["propertyDependencies"].items()
        }
    if kept.get("deletedWith") in gone:
        del kept["deletedWith"]
    return kept
