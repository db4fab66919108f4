"""A host: the one Docker provider for it and the images that it holds."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import pulumi
import pulumi_docker as docker

from config_schema import ExecConfig, Registry
from oci.errors import LoginError
from oci.login import Login, login_of
from oci.reference import ImageReference
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
        self.provider = provider_for(
            f"provider-{address}", address, config, secrets, pulumi.ResourceOptions(parent=self)
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


def provider_for(
    name: str,
    address: str,
    config: ExecConfig,
    secrets: Secrets,
    opts: pulumi.ResourceOptions,
) -> docker.Provider:
    """The Docker of a host, over SSH, with the registry's login."""
    target = ssh_target(config.ssh, address)
    return docker.Provider(
        name,
        host=target.docker_url,
        ssh_opts=list(target.options),
        registry_auth=_registry_auth(config, secrets),
        opts=opts,
    )


def _registry_auth(
    config: ExecConfig, secrets: Secrets
) -> list[docker.ProviderRegistryAuthArgs] | None:
    registry = config.registry
    if registry.needs_secret:
        username, password = registry.username, secrets["registryPassword"]
    elif (login := _login(registry)) is not None:
        username, password = login.username, pulumi.Output.secret(login.password)
    else:
        return None
    address = ImageReference.parse(f"{registry.place}/excs").registry
    return [docker.ProviderRegistryAuthArgs(address=address, username=username, password=password)]


@lru_cache(1)  # all hosts have one: the command runs once
def _login(registry: Registry) -> Login | None:
    """The login that a command or this user's Docker config gives.

    Raises pulumi.RunError if it doesn't: nothing has been touched then.
    """
    try:
        login = login_of(registry, lambda: "", Path.cwd())
    except LoginError as error:
        raise pulumi.RunError(f"{error}. Nothing was touched.") from None
    if login is not None and login.is_identity_token:
        raise pulumi.RunError(
            "Docker's config has an identity token for the registry, which the Docker provider"
            " can't use; give registry.username and registry.password_command. Nothing was touched."
        )
    return login
