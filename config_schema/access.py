"""Whose contact centre it is, and how its hosts are reached."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from config_schema.base import Section
from config_schema.values import Host, Name, Port, Text, User, is_client_id, is_org_id, is_proxy


class Tenant(Section):
    id: Name = Field(description="unique id of the Engage tenant, its DBID for instance")
    org_id: Annotated[str, AfterValidator(is_org_id)] = Field(
        description="EX organization id (Organization Settings / Organization Details / Advanced)"
    )
    region: Host = Field(
        default="mypurecloud.com", description="Genesys Cloud region, as in https://api.<region>"
    )
    oauth_client_id: Annotated[str, AfterValidator(is_client_id)] | None = Field(
        default=None,
        description="id of the OAuth client in the EX organization (Integrations / OAuth / Client"
        " Details), for the preflight's login; its secret is oauthClientSecret",
    )
    container_prefix: Name | None = Field(
        default=None,
        description="put before each container's name, with a dash; needed only where several"
        " stacks share hosts",
    )


class Genesys(Section):
    """How exctl itself reaches Genesys Cloud; what the services do isn't documented."""

    proxy: Annotated[str, AfterValidator(is_proxy)] | None = Field(
        default=None,
        description="proxy for exctl's own calls to Genesys Cloud, http://host:port; whether the"
        " services take one isn't documented",
    )
    ca_path: str | None = Field(
        default=None,
        description="file of certificate authorities (PEM) that these calls trust besides the"
        " system's, for a proxy that intercepts TLS; none: preflight.ca_path. Relative to the"
        " project",
    )


class SshHost(Section):
    """How one host differs from the others; what isn't set is as for all of them."""

    user: User | None = Field(default=None, description="user on this host")
    port: Port | None = Field(default=None, description="SSH port of this host")
    key_path: Text | None = Field(default=None, description="private key for this host")


class Ssh(Section):
    user: User = Field(default="genesys", description="user on every host, in its group docker")
    port: Port | None = Field(
        default=None, description="SSH port of every host; none: ssh_config decides, else 22"
    )
    key_path: str | None = Field(
        default=None,
        description="private key; without it the SSH agent and ~/.ssh/config decide. Relative to"
        " the project",
    )
    known_hosts_path: str = Field(
        default="~/.ssh/known_hosts",
        description="host keys; a host that isn't in it, or answers with another key, is refused",
    )
    hosts: dict[Host, SshHost] = Field(
        default={}, description="hosts with another user, port or key, by name or address"
    )

    def at(self, host: str) -> Ssh:
        """What holds for one host."""
        own = self.hosts.get(host)
        return self.model_copy(update=own.model_dump(exclude_none=True)) if own else self
