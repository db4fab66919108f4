"""What an operator may write in a stack file: names, types, defaults, and what contradicts itself.

Strict: an unknown key, a wrong type or a value out of range is refused, never guessed. What needs
several sections at once is in `stack/rules.py`; what a stack file's text looks like and how a
mistake is worded is in `stack/problems.py`.
"""

from __future__ import annotations

import difflib
import ipaddress
import re
import shlex
from enum import StrEnum
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

import vendor_facts as vendor


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class CheckName(StrEnum):
    """The preflight's checks, by the names that `preflight.waive` takes; they are stable."""

    SSH_LOGIN = "ssh-login"
    SSH_HOST_KEY = "ssh-host-key"
    SSH_SESSIONS = "ssh-sessions"
    LOGIN_SHELL = "login-shell"
    SAME_HOST = "same-host"
    DOCKER_ACCESS = "docker-access"
    DOCKER_VERSION = "docker-version"
    DOCKER_API = "docker-api"
    HOST_NETWORK = "host-network"
    KERNEL = "kernel"
    ARCHITECTURE = "architecture"
    CPUS = "cpus"
    MEMORY = "memory"
    DISK_SIZE = "disk-size"
    DISK_SPACE = "disk-space"
    CLOCK = "clock"
    CLOCK_PAIR = "clock-pair"
    TIME_SYNC = "time-sync"
    PORT = "port"
    CONTAINER_NAME = "container-name"
    CONTAINER_ARGUMENTS = "container-arguments"
    OTHER_STACK = "other-stack"
    LOG_DIRECTORY = "log-directory"
    LOG_SPACE = "log-space"
    REGISTRY_REACH = "registry-reach"
    REGISTRY_LOGIN = "registry-login"
    IMAGE = "image"
    IMAGE_DIGEST = "image-digest"
    REDIS_REACH = "redis-reach"
    REDIS_LOGIN = "redis-login"
    REDIS_VERSION = "redis-version"
    REDIS_CLUSTER = "redis-cluster"
    REDIS_STATE = "redis-state"
    REDIS_MEMORY = "redis-memory"
    CONFIG_DB_REACH = "config-db-reach"
    CONFIG_DB_LOGIN = "config-db-login"
    STAT_SERVER = "stat-server"
    SIP_SERVER = "sip-server"
    EXCS_REACH = "excs-reach"
    GATE_REACH = "gate-reach"
    GENESYS_CLOUD_REACH = "genesys-cloud-reach"
    GENESYS_CLOUD_TLS = "genesys-cloud-tls"
    GENESYS_CLOUD_LOGIN = "genesys-cloud-login"
    ORGANIZATION = "organization"
    SYNC_DEADLINE = "sync-deadline"
    SYNC_STALL = "sync-stall"
    GATE_DEADLINE = "gate-deadline"
    TAGS = "tags"


_LABEL = r"[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?"
_HOST = re.compile(rf"(?=.{{1,253}}$){_LABEL}(\.{_LABEL})*")
_NUMBER = re.compile(r"[0-9]+|0[xX][0-9A-Fa-f]*")
_USER = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9_.@\\-]*[$]?")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_PAIR = re.compile(r"[1-9][0-9]{0,3}")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_REPOSITORY = re.compile(
    r"([a-z0-9][a-z0-9._-]*|\[[0-9a-f:]+\])(:[0-9]+)?(/[a-z0-9]+([._-]+[a-z0-9]+)*)*"
)
_UUID = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SECRET_VARIABLES = {p.variable: p.path for p in vendor.PARAMETERS if p.is_secret}
LOG_REFERENCE = re.compile(
    r"<(TENANT_ID|HOSTNAME)>|\$(TENANT_ID|HOSTNAME)(?![A-Za-z0-9_])"
    r"|\$\{(TENANT_ID|HOSTNAME)(?::?[-?+][^}]*)?\}"
)
"""What is filled in in a log file's name: the vendor's `${TENANT_ID}`, and a shell's other ways to
write it."""


def canonical_host(host: str) -> str:
    """One spelling for all spellings of a host: lower case, an address in its short form."""
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return host.lower().removesuffix(".")


def _shown(value: str) -> str:
    """The value for a message, but not where a password may stand in it."""
    return "the value" if "@" in value else repr(value)


def _is_host(value: str) -> str:
    """A name, an IPv4 address or an IPv6 address, as resolvers take them all alike."""
    try:
        if str(ipaddress.ip_address(value)).count("%") == 0:
            return value
    except ValueError:
        pass
    if value.startswith("[") and value.endswith("]"):
        raise ValueError(f"{value!r}: write an IPv6 address without brackets here")
    if value.endswith("."):
        raise ValueError(f"{value!r}: leave out the final dot")
    if _NUMBER.fullmatch(value.rpartition(".")[2]):
        raise ValueError(
            f"{value!r} is not an IPv4 address; write four numbers without leading zeros, such as"
            " 10.0.0.3"
        )
    if _HOST.fullmatch(value) is None:
        raise ValueError(f"{_shown(value)} is neither a host name nor an IP address")
    return value


def _is_user(value: str) -> str:
    if _USER.fullmatch(value) is None:
        raise ValueError(
            f"{value!r} is not a user's name such as genesys, svc@corp.example or CORP\\svc"
        )
    return value


def _is_name(value: str) -> str:
    if _NAME.fullmatch(value) is None:
        raise ValueError(
            f"{value!r} is not a name: letters, digits, dots, dashes and underscores; first a"
            " letter or a digit"
        )
    return value


def _is_pair(value: str) -> str:
    if _PAIR.fullmatch(value) is None:
        raise ValueError("is not the number of a pair; pairs are numbered from 1")
    return value


def _is_tag(value: str) -> str:
    if value == "latest":
        raise ValueError("'latest' moves; name a version such as 100.0.100.11")
    if _TAG.fullmatch(value) is None:
        raise ValueError(f"{value!r} is not an image tag; name a version such as 100.0.100.11")
    return value


def tag_problem(value: str) -> str:
    """Why a text can't be a version; '' if it can be one."""
    try:
        _is_tag(value)
    except ValueError as error:
        return str(error)
    return ""


def _is_digest(value: str) -> str:
    if _DIGEST.fullmatch(value) is None:
        raise ValueError(
            f"{value!r} is not an image's digest: sha256: and 64 digits from 0 to f, as"
            " `exctl images list` shows it"
        )
    return value


def _is_repository(value: str) -> str:
    if _REPOSITORY.fullmatch(value) is None:
        raise ValueError(
            f"{_shown(value)} is not a place of images such as registry.example.com:5000/exec"
            " (no scheme, no user, lower case, no tag)"
        )
    return value


def _is_place_of_images(value: str) -> str:
    if value == NO_REGISTRY:
        return value
    first = _is_repository(value).partition("/")[0]
    if first != "localhost" and "." not in first and ":" not in first:
        raise ValueError(
            f"{value!r} is on Docker Hub to Docker, since {first!r} has neither a dot nor a port;"
            f" write docker.io/{value} if that is meant, else the registry's full name or its port"
            f" ({first}:443/…)"
        )
    return value


def _is_org_id(value: str) -> str:
    if _UUID.fullmatch(value) is None:
        raise ValueError(
            f"{value!r} is not an organization id: a UUID such as"
            " 6662cb10-0d4d-4710-b979-db69011e66fd, from Organization Settings / Organization"
            " Details / Advanced in Genesys Cloud"
        )
    return value


def _is_client_id(value: str) -> str:
    if _UUID.fullmatch(value) is None:
        raise ValueError(
            f"{value!r} is not an OAuth client's id: a UUID such as"
            " 2f0b1a6e-7c57-4a9e-9a3e-0d7c1f5b8a11, from Integrations / OAuth / Client Details in"
            " Genesys Cloud"
        )
    return value


def _is_absolute(value: str) -> str:
    if not value.startswith("/") or ":" in value or "\0" in value or ".." in value.split("/"):
        raise ValueError(f"{value!r} is not an absolute path without colons and `..`")
    if not value.strip("/"):
        raise ValueError("must be a directory below /; the root would hide everything in it")
    return value


def endpoints_of(voice_server: str) -> list[tuple[str, int]]:
    """Host and port of the primary and the backup of `primary:port/backup:port`; IPv6 addresses
    stand in brackets. ValueError if it isn't of that form."""
    found = []
    for address in voice_server.split("/"):
        host, colon, port = address.rpartition(":")
        if host.startswith("[") and host.endswith("]") and ":" in host:
            host = host[1:-1]
        elif ":" in host:
            colon = ""
        is_port = port.isascii() and port.isdecimal() and 0 < int(port) < 65536
        if not colon or not is_port:
            break
        found.append((_is_host(host), int(port)))
    if len(found) != 2 or voice_server.count("/") != 1:
        raise ValueError(
            f"{_shown(voice_server)} is not of the form primary:port/backup:port (IPv6 in brackets)"
        )
    return found


def _is_address(value: str) -> str:
    host, colon, port = value.rpartition(":")
    is_port = port.isascii() and port.isdecimal() and 0 < int(port) < 65536
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        colon = ""
    if not colon or not is_port:
        raise ValueError(
            f"{_shown(value)} is not a host and a port such as exctl.example.com:9640 (IPv6 in"
            " brackets, no scheme)"
        )
    _is_host(host)
    return value


def _is_web_page(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.password:
        raise ValueError(f"{_shown(value)} is not the address of a page, http:// or https://")
    return value


def _is_voice_server(value: str) -> str:
    endpoints_of(value)
    return value


def _has_no_comma(value: str) -> str:
    if "," in value or not value.strip():
        raise ValueError(
            f"{value!r} can't be passed on: EXCS takes the folder names as one list with commas"
        )
    if value != value.strip():
        raise ValueError(f"{value!r} begins or ends with a blank, which lists don't keep")
    return value


def _is_log_name(value: str) -> str:
    if "$" in LOG_REFERENCE.sub("", value):
        raise ValueError(
            f"{value!r} has a $ that nothing would fill in; ${{TENANT_ID}} and ${{HOSTNAME}} are"
            " filled in"
        )
    if "/" in value or "\0" in value:
        raise ValueError(f"{value!r} is not the name of a file; the directory is log.path")
    return value


Host = Annotated[str, AfterValidator(_is_host)]
User = Annotated[str, AfterValidator(_is_user)]
Port = Annotated[int, Field(ge=1, le=65535)]
Tag = Annotated[str, AfterValidator(_is_tag)]
Digest = Annotated[str, AfterValidator(_is_digest)]
AbsolutePath = Annotated[str, AfterValidator(_is_absolute)]
Address = Annotated[str, AfterValidator(_is_address)]
WebPage = Annotated[str, AfterValidator(_is_web_page)]
VoiceServer = Annotated[str, AfterValidator(_is_voice_server)]
Folder = Annotated[str, AfterValidator(_has_no_comma)]
LogName = Annotated[str, AfterValidator(_is_log_name)]
Text = Annotated[str, Field(min_length=1)]
Name = Annotated[str, AfterValidator(_is_name)]
PairNumber = Annotated[str, AfterValidator(_is_pair)]


class Tenant(Section):
    id: Name = Field(description="unique id of the Engage tenant, its DBID for instance")
    org_id: Annotated[str, AfterValidator(_is_org_id)] = Field(
        description="EX organization id (Organization Settings / Organization Details / Advanced)"
    )
    region: Host = Field(
        default="mypurecloud.com", description="Genesys Cloud region, as in https://api.<region>"
    )
    oauth_client_id: Annotated[str, AfterValidator(_is_client_id)] | None = Field(
        default=None,
        description="id of the OAuth client in the EX organization (Integrations / OAuth / Client"
        " Details), for the preflight's login; its secret is oauthClientSecret",
    )
    container_prefix: Name | None = Field(
        default=None,
        description="put before each container's name, with a dash; needed only where several"
        " stacks share hosts",
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


NO_REGISTRY = "none"
NO_REGISTRY_PLACE = "no-registry.invalid/exec"
"""What images are called on the hosts of a site without a registry. Nobody can have that name
(RFC 2606), so Docker can't fetch one that is missing from a stranger: `exec/excs` would be
somebody's on Docker Hub."""


class Registry(Section):
    repository: Annotated[str, AfterValidator(_is_place_of_images)] = Field(
        description="where the images are: registry host, port and path, without a scheme; none:"
        " there is no registry, `exctl images push` brings them onto the hosts"
    )
    infra_repository: Text | None = Field(
        default=None, description="the vendor's EXEC_INFRA_DOCKER_REPOSITORY, kept for export"
    )
    username: str | None = Field(
        default=None,
        description="user of the registry; its password is the secret registryPassword",
    )
    password_command: Text | None = Field(
        default=None,
        description="a command that prints the password, in place of registryPassword, for"
        " registries whose passwords are short-lived",
    )
    docker_config: bool = Field(
        default=False,
        description="take user and password from the Docker config of whoever runs this: its"
        " credential helpers, or what docker login left",
    )
    insecure: bool = Field(
        default=False,
        description="the registry speaks HTTP without TLS (the hosts' Docker has it among its"
        " insecure-registries then)",
    )

    @property
    def is_used(self) -> bool:
        """Whether there is a registry at all."""
        return self.repository != NO_REGISTRY

    @property
    def place(self) -> str:
        """What the images' names begin with."""
        return self.repository if self.is_used else NO_REGISTRY_PLACE

    @property
    def needs_secret(self) -> bool:
        """Whether its password is the secret registryPassword."""
        return self.username is not None and self.password_command is None

    @model_validator(mode="after")
    def _has_one_login(self) -> Self:
        if not self.is_used and (self.username or self.password_command or self.docker_config):
            raise ValueError("repository is none, so there is nothing to log in to")
        if self.docker_config and (self.username or self.password_command):
            raise ValueError(
                "docker_config is true, so the user and the password come from Docker's config;"
                " remove username and password_command, or docker_config"
            )
        if self.password_command is not None and self.username is None:
            raise ValueError("password_command is set, but username isn't (for ECR it is AWS)")
        return self

    @field_validator("password_command")
    @classmethod
    def _is_command(cls, value: str | None) -> str | None:
        try:
            words = shlex.split(value) if value is not None else ["-"]
        except ValueError:
            words = []
        if not words:
            raise ValueError("is not a command: words as a shell has them, with quotes closed")
        return value


class Logs(Section):
    host_path: AbsolutePath = Field(description="directory on each host for the log files")
    container_path: AbsolutePath = Field(
        default=vendor.CONTAINER_LOG_PATH, description="the same directory inside the containers"
    )
    max_size_mib: Annotated[int, Field(ge=1, le=10240)] = Field(
        default=50,
        description="size at which Docker starts a new file of a container's stdout, MiB",
    )
    max_files: Annotated[int, Field(ge=1, le=100)] = Field(
        default=5, description="files of a container's stdout that Docker keeps"
    )


class Redis(Section):
    host: Host = Field(description="Redis server, or the proxy of Redis Enterprise")
    port: Port = Field(default=vendor.REDIS_PORT, description="port of Redis")
    secure: bool = Field(
        default=True, description="Redis asks for a password (requirepass): secret redisPassword"
    )
    tls: bool = Field(default=False, description="Redis speaks TLS")


class Bake(Section):
    """How long a run goes on watching what it has touched."""

    seconds: Annotated[float, Field(ge=1, le=86400)] = Field(
        description="time that an instance has to stay healthy behind its gates, seconds"
    )
    prometheus_url: WebPage | None = Field(
        default=None,
        description="your Prometheus with our alerts: one that begins to fire for the instance"
        " fails the gate too",
    )
    between_pairs: bool = Field(
        default=False,
        description="pairs one after the other, each begun when the one before has stayed healthy",
    )


class Gate(Section):
    via: Literal["direct", "ssh"] = Field(
        default="direct",
        description="where /health is asked from: this host (direct), or the service's own host"
        " where only SSH is open (ssh)",
    )
    successes: Annotated[int, Field(ge=1, le=100)] = Field(
        default=3, description="answers of 200 in a row that make an instance healthy"
    )
    interval_seconds: Annotated[float, Field(ge=0.1, le=60)] = Field(
        default=1.0, description="time between two of them, seconds"
    )
    deadline_seconds: Annotated[float, Field(ge=1, le=3600)] = Field(
        default=180.0, description="time an instance has to become healthy, seconds"
    )
    bake: Bake | None = Field(
        default=None,
        description="watch what a run has touched for a while longer; what goes wrong then fails"
        " the run as a gate does: {seconds, prometheus_url, between_pairs}",
    )


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
        if _VARIABLE.fullmatch(name) is None:
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
        " it where a tag has moved, `exctl update` takes it out",
    )
    image: Name | None = Field(
        default=None, description="name of the image in the repository; none: the service's name"
    )
    stop_grace_seconds: Annotated[int, Field(ge=1, le=3600)] = Field(
        default=30, description="time to end by itself before Docker kills it, seconds"
    )
    resources: Resources = Field(default=Resources(), description="limits")
    environment: Annotated[dict[str, str], AfterValidator(_is_environment)] = Field(
        default={}, description="variables to add or to override, for what the vendor asks of you"
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
        default=False, description="sync the customer_folders alone; false: all objects"
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


def _is_waiver(value: str) -> str:
    name = value.partition("@")[0]
    if name not in list(CheckName):
        close = difflib.get_close_matches(name, list(CheckName), 1)
        hint = f'. Did you mean "{close[0]}"?' if close else f"; there are {', '.join(CheckName)}"
        raise ValueError(f"{name!r} is not a check of the preflight{hint}")
    return value


Waiver = Annotated[str, AfterValidator(_is_waiver)]


class Preflight(Section):
    waive: dict[Waiver, Text] = Field(
        default={},
        description="findings of `exctl doctor` that don't matter here: name of the check, or"
        " name@host, and the reason",
    )
    ca_path: str | None = Field(
        default=None,
        description="file of certificate authorities (PEM) that the checks trust besides the"
        " system's. Relative to the project",
    )


class Releases(Section):
    keep: Annotated[int, Field(ge=1, le=100)] = Field(
        default=3,
        description="releases whose images stay on the hosts, so that a rollback needs no registry;"
        " those with the same images count once",
    )


class Monitoring(Section):
    """Your own Prometheus: what `exctl monitoring export` writes for it."""

    exporter: Address = Field(
        default="localhost:9640", description="where your Prometheus finds `exctl exporter`"
    )
    blackbox: Address | None = Field(
        default=None,
        description="your blackbox exporter, which then asks every /health too, from where it is;"
        " none: only `exctl exporter` does",
    )
    alertmanagers: list[Address] = Field(
        default=["localhost:9093"], description="your Alertmanagers"
    )
    silence_url: WebPage | None = Field(
        default=None,
        description="your Alertmanager as exctl reaches it: each run keeps back there the alerts"
        " that it brings about, of the instances that it touches; none: nothing is silenced",
    )
    runbook_url: WebPage | None = Field(
        default=None,
        description="where your people read docs/operating.md; each alert links to its section"
        " there; none: the alert names the file",
    )
    sync_success_max_age_seconds: Annotated[float, Field(ge=60, le=31536000)] = Field(
        default=86400.0,
        description="age of EXCS's last success after which an alert fires, seconds",
    )


class ExecConfig(Section):
    """A whole stack: one tenant, one EX organization."""

    tenant: Tenant = Field(description="whose contact centre this is")
    ssh: Ssh = Field(default=Ssh(), description="the way to the hosts")
    registry: Registry = Field(description="where the images come from")
    logs: Logs = Field(description="log files")
    redis: Redis = Field(description="the Redis that all services share")
    gate: Gate = Field(default=Gate(), description="when an instance is healthy")
    excs: Excs = Field(description="config sync")
    exas: Exas = Field(description="agent state sync")
    excp: Excp = Field(description="conversation provider")
    preflight: Preflight = Field(default=Preflight(), description="checks before a deployment")
    releases: Releases = Field(default=Releases(), description="what a rollback can go back to")
    monitoring: Monitoring = Field(default=Monitoring(), description="Prometheus and its alerts")
    stopped: list[str] = Field(
        default=[],
        description="what has no container for now: excs, exas, excp, excp-<pair> or"
        " excp-<pair>-<1|2>",
    )
