"""What a run will do, instance by instance: pure, from the steps of a preview."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from exctl.runs.downtime import Known, about
from exctl.runs.outlook import Outlook, without_excs
from exctl.runs.scope import EVERYTHING, Scope
from health.errors import GateFailure
from health.verdict import Verdict
from stack.layout import Instance, Layout
from stack.text import seconds_text

CONTAINER_TYPE = "docker:index/container:Container"
IMAGE_TYPE = "docker:index/remoteImage:RemoteImage"
VERBS = {
    "create": "start",
    "replace": "replace",
    "create-replacement": "replace",
    "delete-replaced": "replace",
    "update": "change in place",
    "start-again": "start again",
    "delete": "remove",
}
GATE_VERBS = ("create", "update", "replace", "create-replacement")
PULL_VERBS = ("create", "replace", "create-replacement")
WAIT = "stays as it is"
BROUGHT = ("start", "replace", "change in place")
"""What a guard comes before."""


@dataclass(frozen=True)
class Step:
    """One step of a preview: Pulumi's name for what it does, and the resource's type and name."""

    op: str
    type: str
    name: str

    @property
    def role(self) -> str:
        """What the resource is to its instance: container, health, sync, bake, guard, image."""
        return self.name.partition("-")[0]

    @property
    def instance(self) -> str:
        return self.name.partition("-")[2]


@dataclass(frozen=True)
class Touch:
    """What happens to one instance. What has the same `lane` goes one after the other."""

    instance: str
    host: str
    verb: str
    gates: tuple[str, ...]
    downtime: str
    downtime_seconds: float | None = None
    """About how long it will be down, as it was last time; None if nothing tells, or it won't."""
    lane: str = ""
    pulls: str = ""
    """The image that its host gets first; '' if it's there."""
    refusal: GateFailure | None = None
    """What its guard will say, if it will refuse."""

    def __str__(self) -> str:
        wait = f"; waits for {', '.join(self.gates)}" if self.gates else ""
        return f"{self.instance} on {self.host}: {self.verb}{wait}; {self.downtime}"


def step_of(op: str, urn: str, diffs: Sequence[str] = ()) -> Step:
    """The step of an event. What Pulumi calls an update of a container of which nothing but
    `mustRun` differs is `start-again` here: it is there as it should be, but has stopped."""
    kind, name = urn.split("::", 3)[2:]
    kind = kind.rsplit("$", 1)[-1]
    if (kind, op, *diffs) == (CONTAINER_TYPE, "update", "mustRun"):
        op = "start-again"
    return Step(op, kind, name)


def touches(
    steps: Iterable[Step],
    layout: Layout,
    known: Mapping[str, Known] | None = None,
    verdicts: Mapping[str, Verdict] | None = None,
    scope: Scope = EVERYTHING,
    allow_outage: bool = False,
) -> list[Touch]:
    """What is touched or waited for, in the order in which it happens, removals last.

    `known`: how long each instance took in earlier runs. `verdicts`: how each instance of a pair is
    now, as far as it was asked. `scope`: what the run touches of it. `allow_outage`: guards are
    overruled.
    """
    verbs: dict[str, str] = {}
    gates: dict[str, list[str]] = {}
    pulled: set[str] = set()
    guarded: set[str] = set()
    for step in steps:
        if step.type == CONTAINER_TYPE and step.role == "container" and step.op in VERBS:
            verbs[step.instance] = VERBS[step.op]
        elif step.role in ("health", "sync", "bake") and step.op in GATE_VERBS:
            gates.setdefault(step.instance, []).append(step.role)
        elif step.role == "guard" and step.op in GATE_VERBS:
            guarded.add(step.instance)
        elif step.type == IMAGE_TYPE and step.role == "image" and step.op in PULL_VERBS:
            pulled.add(step.instance)
    brought = frozenset(k for k, verb in verbs.items() if verb != "remove" and scope.covers(k))
    outlook = Outlook(verdicts or {}, brought, allow_outage)
    found = [
        _touch(
            instance,
            verbs.get(instance.key, WAIT),
            gates.get(instance.key, ()),
            layout,
            (known or {}).get(instance.key, Known()),
            instance.image if instance.key in pulled else "",
            outlook,
            guarded,
        )
        for instance in _in_order(layout, outlook)
        if instance.key in verbs or instance.key in gates
    ]
    there = {instance.key for instance in layout.instances}
    found += [
        Touch(key, "a host no longer in the stack file", verb, (), "gone for good", lane="last")
        for key, verb in verbs.items()
        if key not in there
    ]
    return sorted(found, key=lambda touch: touch.lane == "last")


def _touch(
    instance: Instance,
    verb: str,
    gates: Sequence[str],
    layout: Layout,
    known: Known,
    pulls: str,
    outlook: Outlook,
    guarded: Collection[str],
) -> Touch:
    seconds = known.seconds if verb == "replace" else None
    downtime = _downtime(instance, verb, layout, outlook)
    if seconds is not None and verb == "replace":
        grace = "" if known.is_whole else f", and up to {instance.stop_grace_seconds} s to stop"
        downtime += f" ({about(seconds)}{grace})"
    if gates and instance.service != "excs" and layout.of("excs")[0].is_stopped:
        downtime += "; excs is stopped, and without it this may not become healthy"
    refusal = None
    if instance.pair and (verb == "replace" or (instance.key in guarded and verb in BROUGHT)):
        refusal = outlook.failure(instance, layout.peer_of(instance))
        if refusal is not None and verb != "replace":
            downtime = outlook.meanwhile(instance, layout.peer_of(instance))
    lane = "last" if verb == "remove" else f"pair {instance.pair}" if instance.pair else ""
    return Touch(
        instance.key,
        instance.host,
        verb,
        tuple(gates),
        downtime,
        seconds,
        lane or instance.key,
        pulls,
        refusal if not outlook.allow_outage else None,
    )


def _in_order(layout: Layout, outlook: Outlook) -> list[Instance]:
    found = [i for i in layout.instances if i.service != "excp"]
    return [*found, *(i for _, members in layout.pairs for i in outlook.order(members))]


def _downtime(instance: Instance, verb: str, layout: Layout, outlook: Outlook) -> str:
    """What a service's users miss meanwhile. Source: product facts, HA of EXCP and EXAS."""
    if verb == "start":
        return "nothing of this stack runs there now"
    if verb == "start again":
        return "it has stopped"
    if verb in ("change in place", WAIT):
        return "no downtime"
    others = without_excs(layout)
    in_want = f"; {others} may answer 503 meanwhile" if others else ""
    if instance.service == "excp":
        peer = layout.peer_of(instance)
        if verb != "remove":
            return outlook.meanwhile(instance, peer)
        is_alone = not peer.is_stopped and outlook.may_serve(peer.key)
        return f"down afterwards{f'; {peer.key} serves alone' if is_alone else ''}"
    if verb == "remove":
        return f"down afterwards{in_want if instance.service == 'excs' else ''}"
    if instance.service == "exas":
        return "agent states are missed until it is healthy again"
    return f"changes in Engage wait until it is synced again{in_want}"


def lines(planned: Sequence[Touch]) -> list[str]:
    """The plan as an operator reads it: numbered in the order in which things happen, what goes
    side by side in one number."""
    if not planned:
        return ["plan: no container is touched"]
    stages = [
        _pulls(planned),
        [str(touch) for touch in planned if touch.lane == "excs"],
        _side_by_side([touch for touch in planned if touch.lane not in ("excs", "last")]),
        [str(touch) for touch in planned if touch.lane == "last"],
    ]
    found = ["plan, in this order:"]
    for number, stage in enumerate(filter(None, stages), 1):
        found += [f"  {number}. {stage[0]}", *(f"     {line}" for line in stage[1:])]
    return [*found, *_whole(planned)]


def _pulls(planned: Sequence[Touch]) -> list[str]:
    hosts: dict[str, list[str]] = {}
    for touch in planned:
        if touch.pulls:
            hosts.setdefault(touch.pulls, []).append(touch.host)
    found = [f"{image} on {', '.join(where)}" for image, where in hosts.items()]
    return [
        "images, pulled where a host lacks them, before anything is touched:",
        *(f"  {each}" for each in found),
    ] * bool(found)


def _side_by_side(planned: Sequence[Touch]) -> list[str]:
    lanes: dict[str, list[Touch]] = {}
    for touch in planned:
        lanes.setdefault(touch.lane, []).append(touch)
    found: list[str] = []
    for first, *later in lanes.values():
        found += [str(first), *(f"  then {touch}" for touch in later)]
    return ["side by side:", *(f"  {line}" for line in found)] if len(lanes) > 1 else found


def _whole(planned: Sequence[Touch]) -> list[str]:
    seconds = whole_seconds(planned)
    return [] if seconds is None else [f"as long as last time: {seconds_text(seconds)}, and pulls"]


def whole_seconds(planned: Sequence[Touch]) -> float | None:
    """About how long it takes without pulls: the longest way through the lanes, EXCS before all.
    None where the time of a part isn't known."""
    lanes: dict[str, float] = {}
    for touch in planned:
        is_known = touch.downtime_seconds is not None or touch.verb != "replace"
        if not is_known or touch.verb in ("start", WAIT):
            return None
        lanes[touch.lane] = lanes.get(touch.lane, 0.0) + (touch.downtime_seconds or 0.0)
    first = lanes.pop("excs", 0.0)
    return first + max(lanes.values(), default=0.0) or None


def left_out_lines(left_out: Mapping[str, str]) -> list[str]:
    """What nothing is done to, and why."""
    return [f"left out: {key}, since {why}" for key, why in left_out.items()]


def pending_lines(elsewhere: Sequence[Touch], scope: Scope) -> list[str]:
    """What the stack file wants of instances that the command doesn't name."""
    pending = [t for t in elsewhere if t.instance not in scope.left_out and t.verb != WAIT]
    return [f"pending, and left as it is: {t.instance} on {t.host}: {t.verb}" for t in pending]


@dataclass(frozen=True)
class Divided:
    """A plan: what this run does, and what is pending elsewhere and stays as it is."""

    here: Sequence[Touch]
    elsewhere: Sequence[Touch]


def divided(planned: Sequence[Touch], scope: Scope) -> Divided:
    return Divided(
        [touch for touch in planned if scope.covers(touch.instance)],
        [touch for touch in planned if not scope.covers(touch.instance)],
    )
