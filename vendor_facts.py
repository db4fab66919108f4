"""What the product demands: ports, limits, variable names. The one place to correct them.

Sources: "deployment" is the vendor's page "No-media Deployment" (read 2026-11-23); "inferred" means
that no vendor text says it, and that `environment` in a stack file can override it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

Service = Literal["excs", "exas", "excp"]
SERVICES: tuple[Service, ...] = get_args(Service)

EXCS_PORT = 3640
EXAS_PORT = 3630
EXCP_PORT = 3650
"""Source: deployment, connectivity table."""

REDIS_PORT = 6379
POSTGRESQL_PORT = 5432
STAT_SERVER_PORT = 2060
GENESYS_CLOUD_PORT = 443
"""Source: deployment, connectivity table. SIP Server's port is written in the stack file: EXCP must
use its *default* port, which only the site knows (8000 in the vendor's table)."""

QUEUE_NAME_SUFFIX = "-Engage-external"
"""Source: deployment, EXCS Parameters."""

LogLevel = Literal["trace", "debug", "info", "warn", "error", "fatal"]
ConfigDbType = Literal["postgresql", "oracle", "mssql"]
LOG_LEVELS: tuple[LogLevel, ...] = get_args(LogLevel)
CONFIG_DB_TYPES: tuple[ConfigDbType, ...] = get_args(ConfigDbType)
CONFIG_DB_PORTS: Mapping[ConfigDbType, int] = {"postgresql": POSTGRESQL_PORT}
"""Source: deployment, Parameters tables."""

NOT_PUBLIC: Mapping[str, str] = {
    "exrp": "recording (EXRP, media deployment) can't be deployed yet: its image, its port and its"
    " .env keys aren't public; remove the section. It is public that it needs two or more"
    " hosts of its own, WebDAV, an HTTP load balancer, and EXCS, EXAS and EXCP running before it"
}
"""Sections that a stack file may have one day, and what is missing for it. Source: EXRP and
Recording Deployment pages."""
RECORDING_NOTE = (
    "once calls are recorded, the pairs' ports take business traffic too: Media Control Platform"
    " (MCP) -> HTTP load balancer -> EXCP. The load balancer isn't in this list: no stack file"
    " names it yet"
)
"""Source: Recording Deployment: the MCPs send to a port of an HTTP load balancer, and that one to
EXCP's 3650."""

HEALTH_PATH, STATUS_PATH, METRICS_PATH = "/health", "/status", "/metrics"
"""/health and EXCS's /status: deployment. /metrics: inferred, the page says only that Prometheus
scrapes these ports."""

CONTAINER_LOG_PATH = "/logs"
"""Chosen: the vendor's compose files, which name the path inside the container, aren't public."""

DOCKER_MAJOR, KERNEL = 20, (4, 18)
HOST_CPUS, HOST_MEMORY_GB, HOST_DISK_GB = 2, 8, 80
REDIS_MAJOR, REDIS_MEMORY_GB = 6, 2
"""What a host and Redis (for 1,000 agents at 5 calls a second) are to have. Source: deployment,
Mandatory Environment Elements."""

FIRST_SYNC_SECONDS = (30 * 60, 40 * 60)
"""A first sync of 1,000 agents. Source: deployment, "Run EXEC Services for First Time"."""

Standing = Literal["confirmed", "inferred", "no variable"]


@dataclass(frozen=True)
class Parameter:
    """One key of the vendor's `.env`: its home in our config and its name inside a container."""

    env_key: str
    """As the vendor spells it; `{pair}` stands for the number of an EXCP pair."""
    path: str
    """Where it is written in a stack file, or the secret's name if `is_secret`."""
    variable: str
    """The container's variable, '' if the key only says where the container runs."""
    services: tuple[Service, ...]
    is_mandatory: bool
    standing: Standing
    is_secret: bool = False


def _common(key: str, path: str, mandatory: bool, standing: Standing) -> Parameter:
    return Parameter(f"EXEC_{key}", path, key, SERVICES, mandatory, standing)


def _of(service: Service, key: str, path: str, mandatory: bool = True) -> Parameter:
    prefix = "EXCP_{pair}_" if service == "excp" else f"{service.upper()}_"
    standing: Standing = "confirmed" if key in _CONFIRMED else "inferred"
    return Parameter(f"{prefix}{key}", path, key, (service,), mandatory, standing)


def _place(env_key: str, path: str, services: tuple[Service, ...], mandatory: bool) -> Parameter:
    return Parameter(env_key, path, "", services, mandatory, "no variable")


def _secret(env_key: str, name: str, services: tuple[Service, ...], mandatory: bool) -> Parameter:
    variable = env_key.split("_", 1)[1]
    return Parameter(env_key, name, variable, services, mandatory, "inferred", True)


_CONFIRMED = {"SYNC_CUSTOMER_OBJECTS_ONLY", "SYNC_CUSTOMER_FOLDER_NAME", "LOG_FILENAME"}
_PAIR = "excp.pairs.{pair}"

PARAMETERS: tuple[Parameter, ...] = (
    _place("EXEC_DOCKER_REPOSITORY", "registry.repository", SERVICES, True),
    _place("EXEC_INFRA_DOCKER_REPOSITORY", "registry.infra_repository", (), False),
    _place("EXEC_HOST_LOGS_VOLUME_PATH", "logs.host_path", SERVICES, True),
    _common("ORG_ID", "tenant.org_id", True, "confirmed"),
    _common("TENANT_ID", "tenant.id", True, "confirmed"),
    _common("REDIS_HOST", "redis.host", True, "inferred"),
    _common("REDIS_PORT", "redis.port", True, "inferred"),
    _common("REDIS_SECURE", "redis.secure", False, "inferred"),
    _secret("EXEC_REDIS_PASSWORD", "redisPassword", SERVICES, False),
    _place("EXCS_VM_HOST", "excs.host", ("excs",), True),
    _of("excs", "PORT", "excs.port"),
    _place("EXCS_TAG", "excs.tag", ("excs",), True),
    _of("excs", "CONFIG_DB_HOST", "excs.config_db.host"),
    _of("excs", "CONFIG_DB_PORT", "excs.config_db.port"),
    _of("excs", "CONFIG_DB_USER", "excs.config_db.user"),
    _of("excs", "CONFIG_DB_SSL", "excs.config_db.ssl"),
    _secret("EXCS_CONFIG_DB_PASSWORD", "configDbPassword", ("excs",), True),
    _of("excs", "CONFIG_DB_NAME", "excs.config_db.name"),
    _of("excs", "CONFIG_DB_TYPE", "excs.config_db.type"),
    # The init action asks for it, though no table has a key for it.
    _secret("EXCS_CONFIG_SERVER_PASSWORD", "configServerPassword", ("excs",), False),
    _of("excs", "SYNC_CUSTOMER_OBJECTS_ONLY", "excs.sync.customer_objects_only", False),
    _of("excs", "SYNC_CUSTOMER_FOLDER_NAME", "excs.sync.customer_folders", False),
    _of("excs", "LOG_PATH", "excs.log.path", False),
    _of("excs", "LOG_FILENAME", "excs.log.filename"),
    _of("excs", "LOG_LEVEL", "excs.log.level", False),
    _of("excs", "GC_QUEUE_NAME_SUFFIX", "excs.gc_queue_name_suffix"),
    _place("EXAS_HOST", "exas.host", ("exas",), True),
    _of("exas", "PORT", "exas.port"),
    _place("EXAS_TAG", "exas.tag", ("exas",), True),
    _of("exas", "STAT_SERVER_PRIMARY_HOST", "exas.stat_server.primary.host"),
    _of("exas", "STAT_SERVER_PRIMARY_PORT", "exas.stat_server.primary.port"),
    _of("exas", "STAT_SERVER_BACKUP_HOST", "exas.stat_server.backup.host"),
    _of("exas", "STAT_SERVER_BACKUP_PORT", "exas.stat_server.backup.port"),
    _of("exas", "LOG_PATH", "exas.log.path", False),
    _of("exas", "LOG_FILENAME", "exas.log.filename"),
    _of("exas", "LOG_LEVEL", "exas.log.level", False),
    _place("EXCP_{pair}_VM_HOST_PAIR", f"{_PAIR}.hosts", ("excp",), True),
    _of("excp", "PORT", f"{_PAIR}.port"),
    _place("EXCP_{pair}_TAG", f"{_PAIR}.tag", ("excp",), True),
    _of("excp", "VOICE_SERVER_VQ", f"{_PAIR}.voice_servers.vq"),
    _of("excp", "VOICE_SERVER_AGENT", f"{_PAIR}.voice_servers.agent"),
    _of("excp", "VOICE_SERVER_CALL", f"{_PAIR}.voice_servers.call"),
    _of("excp", "LOG_PATH", f"{_PAIR}.log.path", False),
    _of("excp", "LOG_FILE_NAME", f"{_PAIR}.log.filename"),
    _of("excp", "LOG_LEVEL", f"{_PAIR}.log.level", False),
)
"""Every key of the vendor's Parameters tables, irregular spellings as they stand there
(EXCS_VM_HOST but EXAS_HOST but EXCP_1_VM_HOST_PAIR; LOG_FILENAME but EXCP_1_LOG_FILE_NAME).
A variable is the key without its prefix: documented for four of them, inferred for the rest.
Source: deployment, Parameters tables."""

EXCS_URL_VARIABLE = "EXCS_URL"
REDIS_TLS_VARIABLE = "REDIS_TLS"
"""Inferred: EXAS and EXCP call EXCS's REST API and Redis may speak TLS (connectivity table), but no
`.env` key carries either."""


@dataclass(frozen=True)
class SecretKey:
    """A secret of a stack: who needs it and what for."""

    name: str
    purpose: str


SECRETS: tuple[SecretKey, ...] = (
    SecretKey("redisPassword", "the Redis server's password (needed if redis.secure)"),
    SecretKey("configDbPassword", "the Config DB user's password"),
    SecretKey("configServerPassword", "Config Server's password (the vendor's init asks for it)"),
    SecretKey("registryPassword", "the image registry's password (needed if registry.username)"),
    SecretKey("oauthClientSecret", "the OAuth client's secret in the EX org"),
    SecretKey(
        "grafanaToken", "the token of a service account in Grafana (for monitoring.grafana_url)"
    ),
    SecretKey("grafanaPassword", "the password of the admin of a placed Grafana"),
    SecretKey("shippingPassword", "the password of logging.shipping.user at the log store"),
    SecretKey(
        "portainerPassword",
        "the password of the admin of a placed Portainer, 12 characters or more",
    ),
)


INFERRED = tuple(
    dict.fromkeys(
        [
            *(p.variable for p in PARAMETERS if p.standing == "inferred"),
            EXCS_URL_VARIABLE,
            REDIS_TLS_VARIABLE,
        ]
    )
)
"""The container's variables that no vendor text names."""


def parameters_of(service: Service) -> tuple[Parameter, ...]:
    """The parameters that a service's containers get as variables, in the vendor's order."""
    return tuple(p for p in PARAMETERS if service in p.services and p.variable)
