"""What all services share: logs, Redis, gates, checks, releases."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

import vendor_facts as vendor
from config_schema.base import Section
from config_schema.values import AbsolutePath, Address, Host, Port, Text, Waiver, WebPage


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


class Audit(Section):
    syslog: AbsolutePath | Address | None = Field(
        default=None,
        description="where a copy of each record goes besides releases/<stack>/audit.jsonl: the"
        " socket of this machine's syslog, /dev/log, or a server's host:port (UDP); none: nowhere",
    )
