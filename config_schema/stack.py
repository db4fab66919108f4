"""A whole stack file."""

from __future__ import annotations

from pydantic import Field

from config_schema.access import Genesys, Ssh, Tenant
from config_schema.base import Section
from config_schema.monitoring import Monitoring
from config_schema.platform import (
    Audit,
    Gate,
    Logs,
    Preflight,
    Protect,
    Redis,
    Releases,
)
from config_schema.registry import Registry
from config_schema.services import Exas, Excp, Excs
from config_schema.shipping import StackLogging


class ExecConfig(Section):
    """A whole stack: one tenant, one EX organization."""

    tenant: Tenant = Field(description="whose contact centre this is")
    genesys: Genesys = Field(default=Genesys(), description="exctl's own way to Genesys Cloud")
    ssh: Ssh = Field(default=Ssh(), description="the way to the hosts")
    registry: Registry = Field(description="where the images come from")
    logs: Logs = Field(description="log files")
    logging: StackLogging = Field(
        default=StackLogging(),
        description="where Docker puts what the services write to stdout, and what ships their log"
        " files",
    )
    redis: Redis = Field(description="the Redis that all services share")
    gate: Gate = Field(default=Gate(), description="when an instance is healthy")
    excs: Excs = Field(description="config sync")
    exas: Exas = Field(description="agent state sync")
    excp: Excp = Field(description="conversation provider")
    preflight: Preflight = Field(default=Preflight(), description="checks before a deployment")
    releases: Releases = Field(default=Releases(), description="what a rollback can go back to")
    audit: Audit = Field(default=Audit(), description="who did what: exctl audit")
    protect: Protect = Field(default=Protect(), description="four eyes: exctl plan, exctl approve")
    monitoring: Monitoring = Field(default=Monitoring(), description="Prometheus and its alerts")
    stopped: list[str] = Field(
        default=[],
        description="what has no container for now: excs, exas, excp, excp-<pair> or"
        " excp-<pair>-<1|2>",
    )
