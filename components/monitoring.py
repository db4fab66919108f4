"""What is placed beside EXEC: Prometheus, Alertmanager and their like at `monitoring.host`, and
what ships the log files of each host."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
import pulumi_docker as docker

from components.host import provider_for
from components.instance import StackContext, limits_of
from monitoring.program import MONITORING_LABEL, Placement, Program, digest_of
from monitoring.settings import MonitoringSettings
from stack.layout import log_limits

STOP_GRACE_SECONDS = 30
"""Chosen: Prometheus writes what it holds in memory when it ends."""
SIGNALLED: Mapping[str, Any] = {"restart": "always", "stop_signal": "SIGTERM"}
"""Docker takes any signal that it sends for a wanted end. After a SIGHUP it so wouldn't start a
container of `unless-stopped` when the host is rebooted, nor one without a signal for its end after
a crash. Source: moby, daemon/kill.go, and its issue 41302."""
READER: Mapping[str, Any] = {
    "user": "0:0",
    "capabilities": docker.ContainerCapabilitiesArgs(drops=["ALL"], adds=["DAC_READ_SEARCH"]),
    "security_opts": ["no-new-privileges"],
}
"""Root that may read every file which it sees, whoever the services write it as, and do nothing
else that root may. What it sees of the host are the log directories, which it can't write to."""


class Monitoring(pulumi.ComponentResource):
    """All programs of a placement, side by side, once everything of EXEC is done (`after`).

    A provider of its own for each host, also where it is one of EXEC's: a run leaves this component
    out or goes for nothing else, so that a failure here touches no service.
    """

    def __init__(
        self,
        placed: Placement,
        context: StackContext,
        after: Sequence[pulumi.Resource],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("exec:components:Monitoring", "monitoring", None, opts)
        self._placed, self._context, self._after = placed, context, list(after)
        own = pulumi.ResourceOptions(parent=self)
        self._providers = {
            host: provider_for(f"monitoring-on-{host}", host, context.config, context.secrets, own)
            for host in placed.hosts
        }
        for program in placed.programs:
            container = self._container(program)
            self._settings(program, container)
        self.register_outputs({"hosts": placed.hosts})

    def _container(self, program: Program) -> docker.Container:
        image = docker.RemoteImage(
            f"monitoring-{program.key}-image",
            name=program.image,
            keep_locally=True,
            opts=self._options(program, depends_on=self._after),
        )
        secrets = self._context.secrets
        return docker.Container(
            f"monitoring-{program.key}",
            name=self._placed.container_name(program),
            image=image.image_id,
            command=list(program.arguments) or None,
            envs=[
                *(f"{name}={value}" for name, value in program.environment.items()),
                *(
                    pulumi.Output.concat(f"{variable}=", secrets[name])
                    for variable, name in program.secret_environment.items()
                ),
            ],
            # What it begins with. Later texts are brought into it as it runs, by its settings; what
            # ships log files begins anew with them, where it had come to.
            uploads=self._files(program).apply(_uploads),
            volumes=self._volumes(program),
            network_mode="host",
            **(SIGNALLED if program.reload_metric else {"restart": "unless-stopped"}),
            destroy_grace_seconds=STOP_GRACE_SECONDS,
            log_driver="json-file",
            log_opts=log_limits(self._context.config.logs),
            labels=[
                docker.ContainerLabelArgs(label=MONITORING_LABEL, value=self._placed.stack),
            ],
            **limits_of(program.resources),
            **(READER if program.ships else {}),
            opts=self._options(
                program,
                delete_before_replace=True,
                ignore_changes=[] if program.ships else ["uploads"],
            ),
        )

    def _files(self, program: Program) -> pulumi.Output[dict[str, str]]:
        """Path in the container → text, all of them a secret: a file of one's own may hold one."""
        secret = program.secret_files
        hidden = [self._context.secrets[made_of.secret] for made_of in secret.values()]

        def together(found: Sequence[str]) -> dict[str, str]:
            texts = (f.text(value) for f, value in zip(secret.values(), found, strict=True))
            return {**program.files, **dict(zip(secret, texts, strict=True))}

        files: pulumi.Output[dict[str, str]] = pulumi.Output.all(*hidden).apply(together)
        return pulumi.Output.secret(files)

    def _volumes(self, program: Program) -> list[docker.ContainerVolumeArgs]:
        found = [
            docker.ContainerVolumeArgs(
                host_path=path,
                container_path=path,
                read_only=True if path in program.ships else None,
            )
            for path in (*program.host_paths, *program.ships)
        ]
        if program.data_path is None:
            return found
        volume = docker.Volume(
            f"monitoring-{program.key}-data",
            name=self._placed.volume_name(program),
            opts=self._options(program, retain_on_delete=True),
        )
        return [
            *found,
            docker.ContainerVolumeArgs(volume_name=volume.name, container_path=program.data_path),
        ]

    def _settings(self, program: Program, container: docker.Container) -> None:
        none: dict[str, str] = {}
        files = pulumi.Output.from_input(none) if program.ships else self._files(program)
        MonitoringSettings(
            f"monitoring-{program.key}-settings",
            url=program.url,
            is_local=bool(program.ships),
            ready_path=program.ready_path,
            reload_metric=program.reload_metric,
            container_name=self._placed.container_name(program),
            files=files,
            digest=files.apply(digest_of),
            reach=self._context.reach,
            trigger=container.id,
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _options(
        self,
        program: Program,
        depends_on: Sequence[pulumi.Resource] = (),
        delete_before_replace: bool | None = None,
        ignore_changes: list[str] | None = None,
        retain_on_delete: bool | None = None,
    ) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(
            parent=self,
            provider=self._providers[program.host],
            depends_on=list(depends_on),
            delete_before_replace=delete_before_replace,
            ignore_changes=ignore_changes,
            retain_on_delete=retain_on_delete,
        )


def _uploads(files: Mapping[str, str]) -> Sequence[pulumi.Input[docker.ContainerUploadArgs]]:
    return [docker.ContainerUploadArgs(file=path, content=text) for path, text in files.items()]
