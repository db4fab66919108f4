"""The configuration of a placed program as a resource: brought into its container, and read again
by the program without a restart.

Declared here, done in `settling`, for the reason that gates have: Pulumi keeps the provider as a
pickle in the state.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, Resource, ResourceProvider, UpdateResult

from health.gates.resources import Reach


class SettingsProvider(ResourceProvider):
    """Runs when the container is a new one or a file has changed."""

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        # In a preview the trigger may be unknown, an object that is equal to nothing.
        is_new = _olds.get("trigger") != _news.get("trigger")
        return DiffResult(changes=is_new or _olds.get("digest") != _news.get("digest"), replaces=[])

    def create(self, props: dict[str, Any]) -> CreateResult:
        return CreateResult(props["name"], self.run(props))

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        return UpdateResult(self.run(_news))

    def run(self, props: dict[str, Any]) -> dict[str, Any]:
        from monitoring import settling

        settling.settle(props)
        return {"trigger": props["trigger"], "digest": props["digest"]}


class MonitoringSettings(Resource, module="exec", name="MonitoringSettings"):
    """Done once the program at `url` serves and has taken its files; `trigger` is its container's
    id. `is_local`: it serves on its host's loopback alone. The files may name whom to call, with a
    key for it, so they come as a secret, and so does their digest."""

    def __init__(
        self,
        name: str,
        url: str,
        is_local: bool,
        ready_path: str,
        reload_metric: str | None,
        container_name: str,
        files: pulumi.Output[dict[str, str]],
        digest: pulumi.Output[str],
        reach: Reach,
        trigger: pulumi.Input[str],
        opts: pulumi.ResourceOptions,
    ) -> None:
        props = {
            "name": name,
            "url": url,
            "is_local": is_local,
            "ready_path": ready_path,
            "reload_metric": reload_metric or "",
            "container_name": container_name,
            "files": files,
            "digest": digest,
            "reach": asdict(reach),
            "trigger": trigger,
        }
        secret = pulumi.ResourceOptions(additional_secret_outputs=["digest"])
        super().__init__(
            SettingsProvider(), name, props, pulumi.ResourceOptions.merge(opts, secret)
        )
