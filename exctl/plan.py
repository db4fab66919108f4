"""What a run will do, instance by instance: pure, from the steps of a preview."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from layout import Instance, Layout

CONTAINER_TYPE = "docker:index/container:Container"
_VERBS = {
    "create": "start",
    "replace": "replace",
    "create-replacement": "replace",
    "delete-replaced": "replace",
    "update": "change in place",
    "delete": "remove",
}
GATE_VERBS = ("create", "update", "replace", "create-replacement")


@dataclass(frozen=True)
class Step:
    """One step of a preview: Pulumi's name for what it does, and the resource's type and name."""

    op: str
    type: str
    name: str


@dataclass(frozen=True)
class Touch:
    """What happens to one instance."""

    instance: str
    host: str
    verb: str
    gates: tuple[str, ...]
    downtime: str

    def __str__(self) -> str:
        wait = f"; waits for {', '.join(self.gates)}" if self.gates else ""
        return f"{self.instance} on {self.host}: {self.verb}{wait}; {self.downtime}"


def step_of(op: str, urn: str) -> Step:
    kind, _, name = urn.split("::", 3)[2:][0], None, urn.split("::", 3)[3]
    return Step(op, kind.rsplit("$", 1)[-1], name)


def touches(steps: Iterable[Step], layout: Layout) -> list[Touch]:
    """What is touched, in the order in which it will be: the layout's, removals last."""
    verbs: dict[str, str] = {}
    gates: dict[str, list[str]] = {}
    for step in steps:
        key = step.name.split("-", 1)[1] if "-" in step.name else ""
        if step.type == CONTAINER_TYPE and step.op in _VERBS:
            verbs[key] = _VERBS[step.op]
        elif step.name.startswith(("health-", "sync-")) and step.op in GATE_VERBS:
            gates.setdefault(key, []).append("sync" if step.name.startswith("sync") else "health")
    found = [
        _touch(instance, verbs[instance.key], gates.get(instance.key, ()), layout)
        for instance in layout.instances
        if instance.key in verbs
    ]
    known = {instance.key for instance in layout.instances}
    found += [
        Touch(key, "a host no longer in the stack file", verb, (), "gone for good")
        for key, verb in verbs.items()
        if key not in known
    ]
    return sorted(found, key=lambda touch: touch.verb == "remove")


def _touch(instance: Instance, verb: str, gates: Sequence[str], layout: Layout) -> Touch:
    return Touch(instance.key, instance.host, verb, tuple(gates), _downtime(instance, verb, layout))


def _downtime(instance: Instance, verb: str, layout: Layout) -> str:
    """What a service's users miss meanwhile. Source: product facts, HA of EXCP and EXAS."""
    if verb == "start":
        return "nothing of this stack runs there now"
    if verb == "change in place":
        return "no downtime"
    if verb == "remove":
        return "down from then on"
    if instance.service == "excp":
        peer = layout.peer_of(instance)
        return "the pair is down meanwhile" if peer.is_stopped else f"{peer.key} serves meanwhile"
    if instance.service == "exas":
        return "agent states are missed until it is healthy again"
    return "Engage's changes wait until it is synced again"
