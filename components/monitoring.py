"""What watches a stack, placed at `monitoring.host`: Prometheus, Alertmanager and their like."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pulumi
import pulumi_docker as docker

from components.host import provider_for
from components.instance import StackContext, limits_of
from monitoring.placement import MONITORING_LABEL, Placement, Program, digest_of
from monitoring.settings import MonitoringSettings
from stack.layout import log_limits

STOP_GRACE_SECONDS = 30
"""Chosen: Prometheus writes what it holds in memory when it ends."""


class Monitoring(pulumi.ComponentResource):
    """All programs of a placement, side by side, once everything of EXEC is done (`after`).

    A provider of its own, also where the host is one of EXEC's: a run leaves this component out or
    goes for nothing else, so that a failure here touches no service.
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
        self._provider = provider_for(
            f"monitoring-on-{placed.host}",
            placed.host,
            context.config,
            context.secrets,
            pulumi.ResourceOptions(parent=self),
        )
        for program in placed.programs:
            container = self._container(program)
            self._settings(program, container)
        self.register_outputs({"host": placed.host})

    def _container(self, program: Program) -> docker.Container:
        image = docker.RemoteImage(
            f"monitoring-{program.name}-image",
            name=program.image,
            keep_locally=True,
            opts=self._options(depends_on=self._after),
        )
        secrets = self._context.secrets
        return docker.Container(
            f"monitoring-{program.name}",
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
            # What it begins with. Later texts are brought into it as it runs, by its settings.
            uploads=self._files(program).apply(_uploads),
            volumes=self._volumes(program),
            network_mode="host",
            restart="unless-stopped",
            destroy_grace_seconds=STOP_GRACE_SECONDS,
            log_driver="json-file",
            log_opts=log_limits(self._context.config.logs),
            labels=[
                docker.ContainerLabelArgs(label=MONITORING_LABEL, value=self._placed.stack),
            ],
            **limits_of(program.resources),
            opts=self._options(delete_before_replace=True, ignore_changes=["uploads"]),
        )

    def _files(self, program: Program) -> pulumi.Output[dict[str, str]]:
        """Path in the container → text, all of them a secret: a file of one's own may hold one."""
        hidden = [self._context.secrets[name] for name in program.secret_files.values()]

        def together(found: Sequence[str]) -> dict[str, str]:
            return {**program.files, **dict(zip(program.secret_files, found, strict=True))}

        files: pulumi.Output[dict[str, str]] = pulumi.Output.all(*hidden).apply(together)
        return pulumi.Output.secret(files)

    def _volumes(self, program: Program) -> list[docker.ContainerVolumeArgs]:
        found = [
            docker.ContainerVolumeArgs(host_path=path, container_path=path)
            for path in program.host_paths
        ]
        if program.data_path is None:
            return found
        volume = docker.Volume(
            f"monitoring-{program.name}-data",
            name=self._placed.volume_name(program),
            opts=self._options(retain_on_delete=True),
        )
        return [
            *found,
            docker.ContainerVolumeArgs(volume_name=volume.name, container_path=program.data_path),
        ]

    def _settings(self, program: Program, container: docker.Container) -> None:
        MonitoringSettings(
            f"monitoring-{program.name}-settings",
            url=self._placed.url(program),
            ready_path=program.ready_path,
            reload_metric=program.reload_metric,
            container_name=self._placed.container_name(program),
            files=(files := self._files(program)),
            digest=files.apply(digest_of),
            reach=self._context.reach,
            trigger=container.id,
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _options(
        self,
        depends_on: Sequence[pulumi.Resource] = (),
        delete_before_replace: bool | None = None,
        ignore_changes: list[str] | None = None,
        retain_on_delete: bool | None = None,
    ) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(
            parent=self,
            provider=self._provider,
            depends_on=list(depends_on),
            delete_before_replace=delete_before_replace,
            ignore_changes=ignore_changes,
            retain_on_delete=retain_on_delete,
        )


def _uploads(files: Mapping[str, str]) -> Sequence[pulumi.Input[docker.ContainerUploadArgs]]:
    return [docker.ContainerUploadArgs(file=path, content=text) for path, text in files.items()]
