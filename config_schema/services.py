"""The three services, and what each of them needs."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

import vendor_facts as vendor
from config_schema.base import Section
from config_schema.platform import Logging
from config_schema.values import (
    VARIABLE,
    AbsolutePath,
    Capability,
    Digest,
    Folder,
    Host,
    LogName,
    Name,
    PairNumber,
    Port,
    Tag,
    Text,
    VoiceServer,
    canonical_host,
)

_SECRET_VARIABLES = {p.variable: p.path for p in vendor.PARAMETERS if p.is_secret}


class SyncGateSettings(Section):
    deadline_seconds: Annotated[float, Field(ge=1, le=86400)] = Field(
        default=5400.0,
        description="time the sync has, seconds (a first sync takes 30 to 40 minutes)",
    )
    stall_seconds: Annotated[float, Field(ge=1, le=86400)] = Field(
        default=900.0, description="time without progress after which the sync is given up, seconds"
    )
    interval_seconds: Annotated[float, Field(ge=0.1, le=60)] = Field(
        default=2.0, description="time between two questions to /status, seconds"
    )
    accept_older_success: bool = Field(
        default=False,
        description="take a Success from before the container's start, which Redis may have kept",
    )


class Resources(Section):
    memory_mib: Annotated[int, Field(ge=64, le=1048576)] | None = Field(
        default=None, description="memory limit, MiB; none: no limit"
    )
    cpus: Annotated[float, Field(gt=0, le=1024)] | None = Field(
        default=None, description="CPU limit, in cores (0.5 is half a core); none: no limit"
    )


class Hardening(Section):
    """What a container may not do. All off by default: nothing public says what the vendor's images
    need, and one that can't start is an outage.
    """

    no_new_privileges: bool = Field(
        default=False, description="no process gets more rights than it began with (no setuid)"
    )
    drop_capabilities: list[Capability] = Field(
        default=[], description="capabilities of Linux that it doesn't get, or ALL"
    )
    read_only: bool = Field(
        default=False,
        description="root file system read-only; the log directory can still be written to",
    )
    tmpfs: list[AbsolutePath] = Field(
        default=[], description="directories in memory that can be written to, such as /tmp"
    )


def _one_of(words: tuple[str, ...]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}"


class Log(Section):
    path: AbsolutePath | None = Field(
        default=None,
        description="where the service writes its files inside the container; it has to be in"
        " logs.container_path to reach the host; none: to stdout",
    )
    filename: LogName = Field(default="", description="pattern of the file name")
    level: vendor.LogLevel = Field(default="info", description=_one_of(vendor.LOG_LEVELS))


class ExcsLog(Log):
    filename: Annotated[LogName, Field(min_length=1)] = Field(
        default="excs-${TENANT_ID}.%Y%m%d_%H%M%S_%L.log",
        description="pattern of the file name; ${TENANT_ID} and ${HOSTNAME} are filled in",
    )


class ExasLog(Log):
    filename: LogName = Field(
        default="exas-${TENANT_ID}.%Y%m%d_%H%M%S_%L.log",
        description="pattern of the file name; ${TENANT_ID} and ${HOSTNAME} are filled in",
    )


class ExcpLog(Log):
    filename: Annotated[LogName, Field(min_length=1)] = Field(
        default="excp-.%Y%m%d_%H%M%S_%L_${TENANT_ID}_${HOSTNAME}.log",
        description="pattern of the file name; ${TENANT_ID} and ${HOSTNAME} are filled in",
    )


def _is_environment(value: dict[str, str]) -> dict[str, str]:
    for name in value:
        if VARIABLE.fullmatch(name) is None:
            raise ValueError(f"{name!r} is not the name of a variable")
        if "\0" in value[name]:
            raise ValueError(f"{name} holds a NUL, which no variable can")
        if name in _SECRET_VARIABLES:
            raise ValueError(
                f"{name} would stand here in plaintext; set it with: exctl secret set"
                f" {_SECRET_VARIABLES[name]}"
            )
    return value


class Runtime(Section):
    """What every service has: version, limits, and what the vendor may ask for beyond our table."""

    tag: Tag = Field(description="version of the image")
    digest: Digest | None = Field(
        default=None,
        description="pins the image's content, whatever the tag leads to; `exctl rollback` writes"
        " it where a tag has moved, `exctl update` removes it",
    )
    image: Name | None = Field(
        default=None, description="name of the image in the repository; none: the service's name"
    )
    stop_grace_seconds: Annotated[int, Field(ge=1, le=3600)] = Field(
        default=30, description="time to end by itself before Docker kills it, seconds"
    )
    resources: Resources = Field(default=Resources(), description="limits")
    hardening: Hardening = Field(
        default=Hardening(), description="what the container may not do; try it on a test stack"
    )
    logging: Logging | None = Field(
        default=None,
        description="where what it writes to stdout goes: {driver, options, without_exctl_logs};"
        " none: as the section logging says",
    )
    environment: Annotated[dict[str, str], AfterValidator(_is_environment)] = Field(
        default={}, description="variables to add or to override, that the vendor asks you to set"
    )


class ConfigDb(Section):
    host: Host = Field(description="host of the Engage Config DB")
    port: Port | None = Field(
        default=None,
        description=f"its port; {vendor.POSTGRESQL_PORT} for postgresql, mandatory for the others",
    )
    user: Text = Field(description="user of the database; its password: secret configDbPassword")
    name: Text = Field(description="name of the database")
    type: vendor.ConfigDbType = Field(
        default="postgresql", description=_one_of(vendor.CONFIG_DB_TYPES)
    )
    ssl: bool = Field(default=False, description="connect by TLS")

    @model_validator(mode="after")
    def _port_is_known(self) -> Self:
        if self.port is None and self.type not in vendor.CONFIG_DB_PORTS:
            raise ValueError(f"port is missing; {self.type} has no default here, name it")
        return self

    @property
    def known_port(self) -> int:
        """The port, or the default of this type of database."""
        return self.port or vendor.CONFIG_DB_PORTS[self.type]


class Sync(Section):
    customer_objects_only: bool = Field(
        default=False, description="sync only the customer_folders; false: all objects"
    )
    customer_folders: list[Folder] = Field(
        default=[], description="names of the CME folders to sync, subfolders included"
    )

    @model_validator(mode="after")
    def _filter_names_folders(self) -> Self:
        if self.customer_objects_only and not self.customer_folders:
            raise ValueError(
                "customer_objects_only is true, but customer_folders is empty; name the folders"
            )
        if self.customer_folders and not self.customer_objects_only:
            raise ValueError(
                "customer_folders is set, but customer_objects_only is false, so every object"
                " would be synced; set it to true or remove the folders"
            )
        return self


class Excs(Runtime):
    host: Host = Field(description="host of EXCS")
    port: Port = Field(default=vendor.EXCS_PORT, description="port of EXCS")
    config_db: ConfigDb = Field(description="the Engage Config DB")
    sync: Sync = Field(default=Sync(), description="which objects are synced")
    sync_gate: SyncGateSettings = Field(
        default=SyncGateSettings(), description="when the sync is complete"
    )
    gc_queue_name_suffix: Text = Field(
        default=vendor.QUEUE_NAME_SUFFIX,
        description="marks the queues that come from Engage; changing it makes new queues",
    )
    log: ExcsLog = Field(default=ExcsLog(), description="log files")


class Peer(Section):
    host: Host = Field(description="host of the Stat Server")
    port: Port = Field(default=vendor.STAT_SERVER_PORT, description="port of the Stat Server")


class StatServer(Section):
    primary: Peer = Field(description="primary Stat Server")
    backup: Peer = Field(description="backup Stat Server")


class Exas(Runtime):
    host: Host = Field(description="host of EXAS")
    port: Port = Field(default=vendor.EXAS_PORT, description="port of EXAS")
    stat_server: StatServer = Field(description="Stat Servers")
    log: ExasLog = Field(default=ExasLog(), description="log files")


class VoiceServers(Section):
    vq: Annotated[list[VoiceServer], Field(min_length=1)] = Field(
        description="SIP Servers for Virtual Queue events, each primary:port/backup:port"
    )
    agent: Annotated[list[VoiceServer], Field(min_length=1)] = Field(
        description="SIP Servers for Extension DN events, likewise"
    )
    call: Annotated[list[VoiceServer], Field(min_length=1)] = Field(
        description="SIP Servers for call monitoring events, likewise"
    )


class Pair(Runtime):
    hosts: Annotated[list[Host], Field(min_length=2, max_length=2)] = Field(
        description="the pair's two hosts"
    )
    port: Port = Field(default=vendor.EXCP_PORT, description="port of EXCP on both")
    voice_servers: VoiceServers = Field(description="SIP Servers; use their default port")
    log: ExcpLog = Field(default=ExcpLog(), description="log files")

    @model_validator(mode="after")
    def _hosts_differ(self) -> Self:
        first, second = self.hosts
        if canonical_host(first) == canonical_host(second):
            both = first if first == second else f"one, spelled {first} and {second}"
            raise ValueError(
                f"both hosts are {both}; a pair needs two hosts, or one failure ends both"
            )
        return self


class Excp(Section):
    pairs: Annotated[dict[PairNumber, Pair], Field(min_length=1)] = Field(
        description="one pair for each SIP Server HA pair, by its number"
    )
