"""EXAS: agent state sync."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi

from components.instance import ServiceInstance, StackContext
from stack.layout import Instance


class AgentStateSync(pulumi.ComponentResource):
    """Agent state sync on its host, once `after` is done: it takes its agents from the sync."""

    def __init__(
        self,
        instance: Instance,
        context: StackContext,
        after: Sequence[pulumi.Resource],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("exec:components:Exas", "agent-state-sync", None, opts)
        parent = pulumi.ResourceOptions(parent=self)
        self.service = ServiceInstance(instance, context, after, opts=parent)
        self.done = [self.service.health, *self.service.bake([self.service.health])]
        self.register_outputs({"health": instance.health_url})
