"""How a stack is watched: by your own Prometheus, or by one that is placed as containers."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from config_schema.base import Section
from config_schema.services import Resources
from config_schema.values import Address, Digest, Host, Name, Port, Tag, Text, WebPage, pinned


class Placed(Section):
    """A program that `monitoring.host` runs; images are in registry.infra_repository."""

    image: Name
    tag: Tag
    digest: Digest | None = Field(
        default=None, description="pins the image's content, whatever the tag leads to"
    )
    resources: Resources = Field(default=Resources(), description="limits")

    @property
    def place(self) -> str:
        """The image without its repository."""
        return pinned(self.image, self.tag, self.digest)


class Prometheus(Placed):
    port: Port = Field(default=9090, description="port that it serves on")
    image: Name = Field(default="prometheus", description="name of the image in the repository")
    tag: Tag = Field(default="v2.53.4", description="version of the image")
    retention_days: Annotated[int, Field(ge=1, le=3650)] = Field(
        default=30, description="how long metrics are kept, days"
    )
    retention_size_gib: Annotated[int, Field(ge=1, le=65536)] | None = Field(
        default=None,
        description="size above which the oldest metrics go earlier, GiB; none: the days decide",
    )


class Alertmanager(Placed):
    port: Port = Field(default=9093, description="port that it serves on")
    image: Name = Field(default="alertmanager", description="name of the image in the repository")
    tag: Tag = Field(default="v0.28.1", description="version of the image")
    config_path: Text | None = Field(
        default=None,
        description="your alertmanager.yml, which says whom to call; none: nobody is called."
        " Relative to the project",
    )


class Blackbox(Placed):
    port: Port = Field(default=9115, description="port that it serves on")
    image: Name = Field(
        default="blackbox-exporter", description="name of the image in the repository"
    )
    tag: Tag = Field(default="v0.26.0", description="version of the image")


class Grafana(Placed):
    enabled: bool = Field(
        default=False,
        description="place Grafana too, with our dashboards; its user admin has the secret"
        " grafanaPassword",
    )
    port: Port = Field(default=3000, description="port that it serves on")
    image: Name = Field(default="grafana", description="name of the image in the repository")
    tag: Tag = Field(default="11.6.0", description="version of the image, 11.6 or newer")


class Portainer(Placed):
    enabled: bool = Field(
        default=False,
        description="place Portainer too, with Docker's socket of that host: whoever logs in is"
        " root there; its user admin has the secret portainerPassword",
    )
    port: Port = Field(default=9443, description="port that it serves on, with TLS")
    image: Name = Field(default="portainer-ce", description="name of the image in the repository")
    tag: Tag = Field(default="2.27.4", description="version of the image")


class Monitoring(Section):
    """Your own Prometheus, for which `exctl monitoring export` writes; or, with `host`, ours."""

    host: Host | None = Field(
        default=None,
        description="host on which Prometheus, Alertmanager and the blackbox exporter are placed"
        " as containers; none: you have your own",
    )
    required: bool = Field(
        default=False,
        description="a run fails (exit code 1) where they can't be placed; else that is a warning",
    )
    exporter: Address = Field(
        default="localhost:9640", description="where Prometheus finds `exctl exporter`"
    )
    blackbox: Address | None = Field(
        default=None,
        description="your blackbox exporter, which then asks every /health too, from where it is;"
        " none: only `exctl exporter` does, and with `host` the one that is placed there",
    )
    alertmanagers: list[Address] = Field(
        default=["localhost:9093"],
        description="your Alertmanagers; set with `host`, none is placed there",
    )
    silence_url: WebPage | None = Field(
        default=None,
        description="your Alertmanager as exctl reaches it: each run keeps back there the alerts"
        " that it brings about, of the instances that it touches; none: the one placed at `host`,"
        " or nothing is silenced",
    )
    grafana_url: WebPage | None = Field(
        default=None,
        description="your Grafana as exctl reaches it: each run leaves a mark there, by the secret"
        " grafanaToken; none: in the one placed at `host`, or nowhere",
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
    scrape_interval_seconds: Annotated[int, Field(ge=1, le=600)] = Field(
        default=15, description="how often Prometheus asks, and looks at its rules, seconds"
    )
    prometheus: Prometheus = Field(default=Prometheus(), description="placed at `host`")
    alertmanager: Alertmanager = Field(
        default=Alertmanager(), description="placed at `host`, unless `alertmanagers` is set"
    )
    blackbox_exporter: Blackbox = Field(
        default=Blackbox(), description="placed at `host`, unless `blackbox` is set"
    )
    grafana: Grafana = Field(default=Grafana(), description="placed at `host`, if wanted")
    portainer: Portainer = Field(default=Portainer(), description="placed at `host`, if wanted")

    @property
    def places_alertmanager(self) -> bool:
        return self.host is not None and "alertmanagers" not in self.model_fields_set

    @property
    def places_blackbox(self) -> bool:
        return self.host is not None and self.blackbox is None
