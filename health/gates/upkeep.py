"""LogRetention: a line in a host's crontab as a resource, put there and taken away over the same
SSH as all else. Not pulumi-command's, which has a way of its own to a host, and a key in the state.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, Resource, ResourceProvider, UpdateResult

from health.gates.resources import Reach
from stack.retention import Retention

_KEPT = ("host", "mark", "line", "reach")


class RetentionProvider(ResourceProvider):
    """Puts the line there when it is new or another one."""

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        return DiffResult(changes=_olds.get("line") != _news.get("line"), replaces=[])

    def create(self, props: dict[str, Any]) -> CreateResult:
        return CreateResult(f"retention-{props['host']}", self._put(props))

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        return UpdateResult(self._put(_news))

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        from health.gates import upkeep_runs

        upkeep_runs.take(_props)

    def _put(self, props: dict[str, Any]) -> dict[str, Any]:
        from health.gates import upkeep_runs

        upkeep_runs.put(props)
        return {name: props[name] for name in _KEPT}


class LogRetention(Resource, module="exec", name="LogRetention"):
    """Old log files of this stack are removed from a host."""

    def __init__(self, rule: Retention, reach: Reach, opts: pulumi.ResourceOptions) -> None:
        props = {
            "host": rule.host,
            "mark": rule.mark,
            "line": rule.line,
            "directories": list(rule.directories),
            "reach": asdict(reach),
        }
        super().__init__(RetentionProvider(), f"retention-{rule.host}", props, opts)
