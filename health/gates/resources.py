"""HealthGate, SyncGate, BakeGate and PairGuard as resources that others wait for.

Resources and not hooks, since Pulumi lets an `after` hook warn but not stop a run. Declared here,
thought elsewhere: Pulumi keeps each provider object as a pickle in the state, which must not
change with every line of logic, so the classes are importable and tiny, and `health.gates.runs` is
imported inside their methods.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Literal

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, Resource, ResourceProvider, UpdateResult

from health.gates.bake import BakeRule
from health.gates.guard import GuardRule
from health.gates.health import HealthRule
from health.gates.sync import SyncRule


@dataclass(frozen=True)
class Reach:
    """How a gate comes to a host: HTTP from here (`direct`) or from there (`ssh`), and the section
    `ssh` of the stack file, as far as it is set, as JSON: Pulumi makes every number a float.

    Paths as the stack file has them: what they are on this host is worked out when a gate runs, so
    that operators with different home directories share one state.
    """

    via: Literal["direct", "ssh"]
    ssh: str


class GateProvider(ResourceProvider):
    """Runs when its trigger is new, and for nothing else.

    A changed deadline or probe is for the next run that has something to wait for, so it runs no
    gate. A changed trigger is an update and not a replacement, which would take along what waits.
    """

    kind: ClassVar[str]

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        # In a preview the trigger may be unknown, an object that is equal to nothing.
        return DiffResult(changes=_olds.get("trigger") != _news.get("trigger"), replaces=[])

    def create(self, props: dict[str, Any]) -> CreateResult:
        return CreateResult(props["name"], self.run({}, props))

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        return UpdateResult(self.run(_olds, _news))

    def run(self, olds: dict[str, Any], news: dict[str, Any]) -> dict[str, Any]:
        """The gate's outputs, once it is open; raises GateError if it stays closed."""
        from health.gates import runs

        return runs.RUNS[self.kind](olds, news)


class HealthGateProvider(GateProvider):
    kind = "health"


class SyncGateProvider(GateProvider):
    kind = "sync"


class BakeGateProvider(GateProvider):
    kind = "bake"


class PairGuardProvider(GateProvider):
    kind = "guard"


class ContainerGate(Resource):
    """Waits for what an instance's container does; `trigger` is the container's id."""

    provider: ClassVar[type[GateProvider]]

    def __init__(
        self,
        name: str,
        rule: HealthRule | SyncRule | BakeRule,
        reach: Reach,
        container_name: str,
        trigger: pulumi.Input[str],
        opts: pulumi.ResourceOptions,
    ) -> None:
        props = _props(name, rule, reach, trigger) | {"container_name": container_name}
        super().__init__(self.provider(), name, props, opts)


class HealthGate(ContainerGate, module="exec", name="HealthGate"):
    """Open once an instance is healthy."""

    provider = HealthGateProvider


class SyncGate(ContainerGate, module="exec", name="SyncGate"):
    """Open once EXCS's sync is complete."""

    provider = SyncGateProvider


class BakeGate(ContainerGate, module="exec", name="BakeGate"):
    """Open once an instance has stayed healthy for a while."""

    provider = BakeGateProvider


class PairGuard(Resource, module="exec", name="PairGuard"):
    """Passes if an instance may be touched; `trigger` stands for all that would touch it.

    The trigger is made from secrets too, so it is one: nothing of it is in the state in plaintext.
    """

    def __init__(
        self,
        name: str,
        rule: GuardRule,
        reach: Reach,
        trigger: pulumi.Output[str],
        opts: pulumi.ResourceOptions,
    ) -> None:
        secret = pulumi.ResourceOptions(additional_secret_outputs=["trigger"])
        props = _props(name, rule, reach, pulumi.Output.secret(trigger))
        super().__init__(
            PairGuardProvider(), name, props, pulumi.ResourceOptions.merge(opts, secret)
        )


def _props(
    name: str,
    rule: HealthRule | SyncRule | BakeRule | GuardRule,
    reach: Reach,
    trigger: pulumi.Input[str],
) -> dict[str, Any]:
    """What goes to the provider: plain values, lists in the place of tuples."""
    plain = {key: list(v) if isinstance(v, tuple) else v for key, v in asdict(rule).items()}
    return {"name": name, "trigger": trigger, "rule": plain, "reach": asdict(reach)}
