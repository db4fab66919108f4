"""EXCS, and the gate that all others wait for: its sync is complete."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi

from components.instance import ServiceInstance, StackContext
from health.gates.resources import SyncGate
from health.gates.sync import SyncRule
from stack.layout import Instance


class ConfigSync(pulumi.ComponentResource):
    """Config sync on its host. `synced` opens when Genesys Cloud and Redis hold everything."""

    def __init__(
        self,
        instance: Instance,
        context: StackContext,
        after: Sequence[pulumi.Resource],
        waiting: Sequence[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("exec:components:Excs", "config-sync", None, opts)
        parent = pulumi.ResourceOptions(parent=self)
        self.service = ServiceInstance(instance, context, after, waiting=waiting, opts=parent)
        gate = context.config.excs.sync_gate
        assert instance.status_url is not None
        rule = SyncRule(
            instance=instance.key,
            host=instance.host,
            url=instance.status_url,
            org_id=context.config.tenant.org_id,
            deadline_seconds=gate.deadline_seconds,
            stall_seconds=gate.stall_seconds,
            interval_seconds=gate.interval_seconds,
            accept_older_success=gate.accept_older_success,
            waiting=tuple(waiting),
        )
        self.synced = SyncGate(
            "sync-excs",
            rule,
            context.reach,
            instance.container_name,
            self.service.container.id,
            pulumi.ResourceOptions(parent=self, depends_on=[self.service.health]),
        )
        self.done = [self.synced, *self.service.bake([self.synced])]
        self.register_outputs({"status": instance.status_url})
