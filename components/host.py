"""A host: the one Docker provider for it and the images that it holds."""

from __future__ import annotations

import pulumi
import pulumi_docker as docker

from config_schema import ExecConfig
from stack.layout import Instance
from stack.loader import Secrets
from stack.ssh import ssh_target


class Host(pulumi.ComponentResource):
    """One host, reached over SSH; nothing is installed on it."""

    def __init__(
        self,
        address: str,
        config: ExecConfig,
        secrets: Secrets,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("exec:components:Host", f"host-{address}", None, opts)
        target = ssh_target(config.ssh, address)
        self.provider = docker.Provider(
            f"provider-{address}",
            host=target.docker_url,
            ssh_opts=list(target.options),
            registry_auth=_registry_auth(config, secrets),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({"address": address})

    def pull(self, instance: Instance) -> docker.RemoteImage:
        """The image of an instance, pulled to this host and kept when the stack is destroyed.

        Kept, since a rollback needs the release before even while the registry is down.
        """
        return docker.RemoteImage(
            f"image-{instance.key}",
            name=instance.image,
            keep_locally=True,
            opts=pulumi.ResourceOptions(parent=self, provider=self.provider),
        )


def _registry_auth(
    config: ExecConfig, secrets: Secrets
) -> list[docker.ProviderRegistryAuthArgs] | None:
    if config.registry.username is None:
        return None
    return [
        docker.ProviderRegistryAuthArgs(
            address=config.registry.repository.split("/")[0],
            username=config.registry.username,
            password=secrets["registryPassword"],
        )
    ]
