"""The whole connector of one tenant: hosts, images, and the services in their order."""

from __future__ import annotations

from typing import Any

import pulumi
import pulumi_docker as docker

from components.exas import AgentStateSync
from components.excp import ConversationProvider
from components.excs import ConfigSync
from components.host import Host
from components.instance import StackContext
from components.monitoring import Monitoring
from components.retention import Retentions
from config_schema import ExecConfig
from monitoring.program import Placement
from oci.reference import parsed
from stack.layout import Layout
from stack.loader import Secrets, is_monitoring_alone, is_without_monitoring, left_out
from stack.retention import retentions


class Connector(pulumi.ComponentResource):
    """Images on every host, then EXCS, its sync, then EXAS and every pair side by side; last, what
    goes with them: what watches them, if it is placed by us, and what removes old log files."""

    def __init__(
        self,
        config: ExecConfig,
        secrets: Secrets,
        layout: Layout,
        placed: Placement | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("exec:components:Connector", "connector", None, opts)
        parent = pulumi.ResourceOptions(parent=self)
        hosts = {host: Host(host, config, secrets, parent) for host in layout.hosts}
        self.images = {i.key: hosts[i.host].pull(i) for i in layout.instances}
        context = StackContext(config, secrets, hosts, self.images)
        waiting = [i.key for i in layout.running if i.service != "excs"]
        # The sync stands for all that came before it: that each container named every image took
        # as long as all else together at 50 hosts (Measured).
        after: list[pulumi.Resource] = [
            image for key, image in self.images.items() if key not in left_out()
        ]
        done: list[pulumi.Resource] = []
        for instance in layout.running:
            if instance.service == "excs":
                excs = ConfigSync(instance, context, after, waiting, parent)
                after = [excs.synced]
                done += excs.done
            elif instance.service == "exas":
                done += AgentStateSync(instance, context, after, parent).done
        done += ConversationProvider(layout, context, after, parent).done
        self.outputs = _outputs(layout, self.images, config.registry.is_used)
        if placed is not None and placed.watching:
            self.outputs["monitoring"] = placed.urls()
        if not is_without_monitoring():
            # No children of this component: a run that names it and a few instances would have to
            # name them too.
            last = [] if is_monitoring_alone() else done
            if placed is not None:
                Monitoring(placed, context, last)
            if rules := retentions(config, layout, pulumi.get_stack()):
                Retentions(rules, context, last)
        self.register_outputs({"hosts": list(layout.hosts)})


def _digest(image: docker.RemoteImage, has_registry: bool) -> pulumi.Output[str]:
    """What names the image's content: its manifest's digest in the registry, else its id."""
    if not has_registry:
        return image.image_id

    def digest_in(name: str | None) -> str:
        reference = parsed(name or "")  # an image that was left out has none
        return (reference.digest if reference is not None else None) or ""

    return image.repo_digest.apply(digest_in)


def _outputs(
    layout: Layout, images: dict[str, docker.RemoteImage], has_registry: bool
) -> dict[str, Any]:
    """The stack's outputs. Source: the design, Contracts."""
    (excs,) = layout.of("excs")
    release = {
        i.key if i.pair is None else f"excp-{i.pair}": {
            "tag": i.tag,
            # One image can have several digests in one repository; a pin says which is meant.
            "digest": i.digest or _digest(images[i.key], has_registry),
        }
        # Both instances of a pair have the same image: the second one's entry is the first one's.
        for i in layout.instances
    }
    return {
        "endpoints": layout.endpoints(),
        "health": {i.key: i.health_url for i in layout.running},
        "excs_status": None if excs.is_stopped else excs.status_url,
        "prometheus_targets": layout.prometheus_targets(),
        "release": release,
        "hosts": list(layout.hosts),
    }
