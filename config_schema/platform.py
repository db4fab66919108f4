"""What all services share: logs, Redis, gates, checks, releases."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

import vendor_facts as vendor
from config_schema.base import Section
from config_schema.values import AbsolutePath, Host, Name, Port, Syslog, Text, Waiver, WebPage

KEPT_LOCALLY = ("json-file", "local", "journald")
"""Drivers whose own storage `docker logs` reads; for the others Docker keeps a cache since 20.10.
Source: Docker's manual, "Use docker logs with remote logging drivers"."""
_SECRET_OPTIONS = ("token", "password", "secret")


def is_secret_option(name: str) -> bool:
    return any(name.lower().endswith(word) for word in _SECRET_OPTIONS)


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
    retention_days: Annotated[int, Field(ge=1, le=3650)] | None = Field(
        default=None,
        description="log files of the services older than this are removed from the hosts each"
        " night, by the crontab of ssh.user, days; none: none is",
    )


class Logging(Section):
    """Where Docker puts what a container writes to stdout."""

    driver: Name = Field(
        default="json-file",
        description="Docker's log driver: json-file, local, journald, syslog, gelf, fluentd, or a"
        " plugin's name such as loki",
    )
    options: dict[str, str] = Field(
        default={},
        description="its options, as Docker takes them; json-file and local have logs.max_size_mib"
        " and logs.max_files unless these say otherwise",
    )
    without_exctl_logs: bool = Field(
        default=False,
        description="take a driver, or options, that leave nothing for `exctl logs` to read, nor"
        " for a gate that fails to show",
    )

    @model_validator(mode="after")
    def _can_be_read(self) -> Self:
        uncached = self.options.get("cache-disabled") == "true" and self.driver not in KEPT_LOCALLY
        if (self.driver == "none" or uncached) and not self.without_exctl_logs:
            what = "driver none" if self.driver == "none" else "cache-disabled"
            raise ValueError(
                f"{what}: `exctl logs` would have nothing to read, and a gate that fails nothing to"
                " show; if that is meant, add without_exctl_logs: true"
            )
        if secret := next((name for name in self.options if is_secret_option(name)), None):
            raise ValueError(
                f"options.{secret} would stand in plaintext here, and on the host in what `docker"
                " inspect` shows; let a collector on the host hold it"
            )
        return self


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
        description="time that an instance has to stay healthy after its gates, seconds"
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


class Audit(Section):
    syslog: Syslog | None = Field(
        default=None,
        description="where a copy of each record goes besides releases/<stack>/audit.jsonl: the"
        " socket of this machine's syslog, /dev/log, or a server's host:port (UDP); none: nowhere",
    )


class Protect(Section):
    """Who has to agree before something new is deployed."""

    approvals: Annotated[int, Field(ge=0, le=9)] = Field(
        default=0,
        description="people who have to approve a plan besides the one who made it; then up runs"
        " an approved plan and nothing else",
    )
    allowed_signers_path: Text | None = Field(
        default=None,
        description="who may make and approve plans: a file as ssh-keygen(1) has it under ALLOWED"
        " SIGNERS. Relative to the project; mandatory with approvals",
    )

    @model_validator(mode="after")
    def _signers_are_named(self) -> Self:
        if self.approvals and self.allowed_signers_path is None:
            raise ValueError("approvals needs allowed_signers_path: whose signatures count")
        return self
