"""Old log files of the services, removed from their hosts each night."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi

from components.instance import StackContext
from health.gates.upkeep import LogRetention
from stack.retention import Retention


class Retentions(pulumi.ComponentResource):
    """One resource a host, once everything of EXEC is done (`after`)."""

    def __init__(
        self,
        rules: Sequence[Retention],
        context: StackContext,
        after: Sequence[pulumi.Resource],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("exec:components:Retention", "retention", None, opts)
        for rule in rules:
            own = pulumi.ResourceOptions(parent=self, depends_on=list(after))
            LogRetention(rule, context.reach, own)
        self.register_outputs({})
