"""What a preflight is about: a stack's typed config, its layout, and its secrets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import vendor_facts as vendor
from config_schema import ExecConfig
from oci.login import Login
from oci.reference import ImageReference, host_and_port
from stack.connections import Connection
from stack.layout import Instance, Layout

PROXY_VARIABLES = ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")


@dataclass(frozen=True)
class ServerAddress:
    """Where something listens, by the name or address that the stack file gives it."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True)
class Watchers:
    """What is to be placed on a host beside EXEC, as far as the preflight asks about it: `ports`
    with the container that is to have each, and the value of `label` that its containers have."""

    host: str
    ports: Mapping[int, str]
    images: tuple[str, ...]
    label: tuple[str, str]


@dataclass(frozen=True)
class Subject:
    """The stack that is examined. `secrets` are those that are set and could be decrypted;
    `no_secrets` says why there are none; `other_stacks` is how many stack files are beside its."""

    stack: str
    config: ExecConfig
    layout: Layout
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    no_secrets: str = ""
    login: Login | None = None
    """The registry's; `no_login` says why there is none, though the stack file means one."""
    no_login: str = ""
    other_stacks: int = 0
    watchers: tuple[Watchers, ...] = ()

    @property
    def registry_host(self) -> str:
        """The registry as Docker names it, '' if the stack has none."""
        registry = self.config.registry
        return ImageReference.parse(f"{registry.place}/x").api_host if registry.is_used else ""

    @property
    def registry(self) -> ServerAddress | None:
        return ServerAddress(*host_and_port(self.registry_host)) if self.registry_host else None

    @property
    def excs(self) -> ServerAddress:
        return ServerAddress(self.config.excs.host, self.config.excs.port)

    @property
    def redis(self) -> ServerAddress:
        return ServerAddress(self.config.redis.host, self.config.redis.port)

    @property
    def config_db(self) -> ServerAddress:
        database = self.config.excs.config_db
        return ServerAddress(database.host, database.port or vendor.POSTGRESQL_PORT)

    @property
    def cloud(self) -> tuple[ServerAddress, ServerAddress]:
        """The API and the login of Genesys Cloud."""
        region, port = self.config.tenant.region, vendor.GENESYS_CLOUD_PORT
        return ServerAddress(f"api.{region}", port), ServerAddress(f"login.{region}", port)

    def instances(self, host: str) -> list[Instance]:
        """What is meant to run on a host."""
        return [i for i in self.layout.running if i.host == host]

    def images(self, host: str) -> list[str]:
        """The images that a run pulls to a host: a stopped instance's too."""
        return sorted({i.image for i in self.layout.instances if i.host == host})

    def connections(self, host: str) -> list[Connection]:
        """Where the instances that are meant to run on a host connect to."""
        keys = {i.key for i in self.instances(host)}
        return [c for c in self.layout.connections if c.instance in keys]

    def targets(self, host: str) -> list[ServerAddress]:
        """Every address that is to be reached from a host, once, the registry first."""
        found = [ServerAddress(c.to_host, c.to_port) for c in self.connections(host)]
        return list(dict.fromkeys([self.registry, *found] if self.registry else found))

    def proxy(self, host: str) -> str:
        """The variable by which a host's instances are told of a proxy, or the setting that names
        one for exctl; '' if there is none."""
        named = {name for i in self.instances(host) for name in i.environment}
        own = "genesys.proxy" if self.config.genesys.proxy else ""
        return next((name for name in PROXY_VARIABLES if name in named), own)
