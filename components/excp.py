"""EXCP: one pair of instances for each SIP Server HA pair."""

from __future__ import annotations

import os
from collections.abc import Sequence

import pulumi

from components.instance import ServiceInstance, StackContext
from health.gates.guard import rule_of
from health.pair import FIRST_VARIABLE, put_first
from stack.layout import Layout
from stack.loader import left_out


class ExcpPair(pulumi.ComponentResource):
    """Two instances that do the same work, touched strictly one after the other.

    The second one's guard and container wait for the first one's health gate, so that at any moment
    at least one of the two serves. Which is first follows EXEC_PAIR_FIRST: one that doesn't serve
    goes before its peer, whose guard would else refuse.
    """

    def __init__(
        self,
        number: str,
        layout: Layout,
        context: StackContext,
        after: Sequence[pulumi.Resource],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("exec:components:ExcpPair", f"pair-{number}", None, opts)
        members = {i.key: i for i in layout.running if i.pair == number}
        order = put_first(list(members), os.environ.get(FIRST_VARIABLE, ""))
        running = [members[key] for key in order]
        before = list(after)
        services = []
        for position, instance in enumerate(running):
            service = ServiceInstance(
                instance,
                context,
                before,
                guard=rule_of(instance, layout.peer_of(instance)),
                waiting=[later.key for later in running[position + 1 :]],
                opts=pulumi.ResourceOptions(parent=self),
            )
            services.append(service)
            if instance.key not in left_out():
                before = [service.health]
        # Both are watched once both are healthy: the second one doesn't wait for the first one's.
        self.baked = [gate for service in services for gate in service.bake(before)]
        self.done = [*(service.health for service in services), *self.baked]
        self.register_outputs({"instances": [instance.key for instance in running]})


class ConversationProvider(pulumi.ComponentResource):
    """All pairs of a stack, side by side; or one after the other where `gate.bake` says so."""

    def __init__(
        self,
        layout: Layout,
        context: StackContext,
        after: Sequence[pulumi.Resource],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("exec:components:Excp", "conversation-provider", None, opts)
        bake, before = context.config.gate.bake, list(after)
        self.done: list[pulumi.Resource] = []
        for number, _ in layout.pairs:
            pair = ExcpPair(number, layout, context, before, pulumi.ResourceOptions(parent=self))
            self.done += pair.done
            if bake is not None and bake.between_pairs:
                before += pair.baked
        self.register_outputs({"pairs": [number for number, _ in layout.pairs]})
