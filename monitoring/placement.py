"""A Prometheus of ours: which programs run at `monitoring.host`, with which words and files. Pure.

The exporter isn't among them: it needs the SSH key of every host, and the clone that deploys
(decision 0014).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from config_schema import ExecConfig, Monitoring, Placed, Resources
from hosts.shell import DOCKER_SOCKET
from monitoring import prometheus
from monitoring.prometheus import ALERTMANAGER_FILE, BLACKBOX_FILE, PROMETHEUS_FILE, Subject
from stack.layout import Layout
from stack.text import in_url

MONITORING_LABEL = "exec.monitoring"
"""Whose containers these are. They have none of the instances' labels: nothing that looks for a
stack's instances finds them."""
CONFIG = "/etc/exec"
DATASOURCE = """\
apiVersion: 1
datasources:
  - {name: Prometheus, type: prometheus, access: proxy, url: $EXEC_PROMETHEUS_URL, isDefault: true}
"""
DASHBOARDS = """\
apiVersion: 1
providers:
  - {name: exec, type: file, options: {path: /etc/exec/dashboards}}
"""


@dataclass(frozen=True)
class Program:
    """One container at `monitoring.host`."""

    name: str
    title: str
    image: str
    port: int
    ready_path: str
    """Answers 200 once it serves."""
    scheme: Literal["http", "https"] = "http"
    arguments: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    """Path in the container → text."""
    reload_metric: str | None = None
    """`…_config_last_reload` of its own metrics: it reads its files again at SIGHUP, and says there
    what came of it. None: it looks at its files by itself."""
    data_path: str | None = None
    """Where its data is, on a volume that outlives it."""
    environment: Mapping[str, str] = field(default_factory=dict)
    secret_environment: Mapping[str, str] = field(default_factory=dict)
    """Variable → name of the secret."""
    secret_files: Mapping[str, str] = field(default_factory=dict)
    """Path in the container → name of the secret that is its text."""
    host_paths: tuple[str, ...] = ()
    """What it has of the host, under the same path."""
    resources: Resources = field(default_factory=Resources)


@dataclass(frozen=True)
class Placement:
    """All programs of a stack, and where."""

    host: str
    stack: str
    prefix: str
    programs: tuple[Program, ...]

    def container_name(self, program: Program) -> str:
        return f"{self.prefix}exec-{program.name}"

    def volume_name(self, program: Program) -> str:
        return f"{self.container_name(program)}-data"

    def url(self, program: Program) -> str:
        return _url(self.host, program.port, program.scheme)

    def urls(self) -> dict[str, str]:
        """The stack output."""
        return {program.name: self.url(program) for program in self.programs}

    def __str__(self) -> str:
        return f"monitoring on {self.host}: {', '.join(p.title for p in self.programs)}"


def settled(settings: Monitoring) -> Monitoring:
    """The settings with the addresses of what is placed by us, as if they had been written."""
    if settings.host is None:
        return settings
    found: dict[str, object] = {}
    if settings.places_alertmanager:
        address = f"{in_url(settings.host)}:{settings.alertmanager.port}"
        found["alertmanagers"] = [address]
        found["silence_url"] = settings.silence_url or f"http://{address}"
    if settings.grafana.enabled and settings.grafana_url is None:
        found["grafana_url"] = _url(settings.host, settings.grafana.port)
    if settings.places_blackbox:
        found["blackbox"] = f"{in_url(settings.host)}:{settings.blackbox_exporter.port}"
    return settings.model_copy(update=found)


def placement(
    config: ExecConfig, layout: Layout, stack: str, alertmanager: str | None = None
) -> Placement | None:
    """What is placed; None without `monitoring.host`. `alertmanager`: the site's own configuration
    of it, as text."""
    settings = config.monitoring
    if settings.host is None:
        return None
    files = prometheus.files(Subject(stack, settled(settings), layout))
    if alertmanager is not None:
        files[ALERTMANAGER_FILE] = alertmanager
    host = settings.host
    programs = [_prometheus(settings, host, files)]
    if settings.places_alertmanager:
        programs.append(_alertmanager(settings, host, files))
    if settings.places_blackbox:
        programs.append(_blackbox(settings, files))
    if settings.grafana.enabled:
        programs.append(_grafana(settings, host))
    if settings.portainer.enabled:
        programs.append(_portainer(settings))
    prefix = f"{config.tenant.container_prefix}-" if config.tenant.container_prefix else ""
    place = config.registry.infra_repository
    found = (replace(each, image=f"{place}/{each.image}") for each in programs)
    return Placement(host, stack, prefix, tuple(found))


def digest_of(files: Mapping[str, str]) -> str:
    """What changes with any of the files."""
    parts = [part for name in sorted(files) for part in (name, files[name])]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _image(own: Placed) -> str:
    return f"{own.image}@{own.digest}" if own.digest else f"{own.image}:{own.tag}"


def _prometheus(settings: Monitoring, host: str, files: Mapping[str, str]) -> Program:
    own = settings.prometheus
    size = own.retention_size_gib
    return Program(
        name="prometheus",
        title="Prometheus",
        image=_image(own),
        port=own.port,
        ready_path="/-/ready",
        arguments=(
            f"--config.file={CONFIG}/{PROMETHEUS_FILE}",
            "--storage.tsdb.path=/prometheus",
            f"--storage.tsdb.retention.time={own.retention_days}d",
            *([f"--storage.tsdb.retention.size={size}GB"] if size is not None else ()),
            f"--web.listen-address=:{own.port}",
            f"--web.external-url={_url(host, own.port)}",
        ),
        files={
            f"{CONFIG}/{name}": text
            for name, text in files.items()
            if name not in (ALERTMANAGER_FILE, BLACKBOX_FILE)
        },
        reload_metric="prometheus_config_last_reload",
        data_path="/prometheus",
        resources=own.resources,
    )


def _alertmanager(settings: Monitoring, host: str, files: Mapping[str, str]) -> Program:
    own = settings.alertmanager
    return Program(
        name="alertmanager",
        title="Alertmanager",
        image=_image(own),
        port=own.port,
        ready_path="/-/ready",
        arguments=(
            f"--config.file={CONFIG}/{ALERTMANAGER_FILE}",
            "--storage.path=/alertmanager",
            f"--web.listen-address=:{own.port}",
            f"--web.external-url={_url(host, own.port)}",
            "--cluster.listen-address=",
        ),
        files={f"{CONFIG}/{ALERTMANAGER_FILE}": files[ALERTMANAGER_FILE]},
        reload_metric="alertmanager_config_last_reload",
        data_path="/alertmanager",
        resources=own.resources,
    )


def _blackbox(settings: Monitoring, files: Mapping[str, str]) -> Program:
    own = settings.blackbox_exporter
    return Program(
        name="blackbox-exporter",
        title="the blackbox exporter",
        image=_image(own),
        port=own.port,
        ready_path="/-/healthy",
        arguments=(
            f"--config.file={CONFIG}/{BLACKBOX_FILE}",
            f"--web.listen-address=:{own.port}",
        ),
        files={f"{CONFIG}/{BLACKBOX_FILE}": files[BLACKBOX_FILE]},
        reload_metric="blackbox_exporter_config_last_reload",
        resources=own.resources,
    )


def _grafana(settings: Monitoring, host: str) -> Program:
    from monitoring import dashboards  # its SDK takes as long to import as all else

    own = settings.grafana
    provisioning = f"{CONFIG}/provisioning"
    found = {f"{CONFIG}/{name}": text for name, text in dashboards.files().items()}
    return Program(
        name="grafana",
        title="Grafana",
        image=_image(own),
        port=own.port,
        ready_path="/api/health",
        files={
            f"{provisioning}/datasources/exec.yml": DATASOURCE,
            f"{provisioning}/dashboards/exec.yml": DASHBOARDS,
            **found,
        },
        data_path="/var/lib/grafana",
        environment={
            "EXEC_PROMETHEUS_URL": _url(host, settings.prometheus.port),
            "GF_ANALYTICS_CHECK_FOR_UPDATES": "false",
            "GF_ANALYTICS_REPORTING_ENABLED": "false",
            "GF_PATHS_PROVISIONING": provisioning,
            "GF_SERVER_HTTP_PORT": str(own.port),
        },
        secret_environment={"GF_SECURITY_ADMIN_PASSWORD": "grafanaPassword"},
        resources=own.resources,
    )


def _portainer(settings: Monitoring) -> Program:
    """Portainer on the host's own Docker. The first login is nobody's to take: its admin is there,
    with the secret, before it serves.

    Source: portainer 2.23, api/cli/cli.go and api/cmd/portainer/main.go; its issue 12667: with a
    password file there is no environment but the one of --host.
    """
    own = settings.portainer
    password = f"{CONFIG}/portainer-password"
    return Program(
        name="portainer",
        title="Portainer",
        image=_image(own),
        port=own.port,
        ready_path="/api/system/status",
        scheme="https",
        arguments=(
            f"--bind-https=:{own.port}",
            "--http-disabled",
            "--data=/data",
            f"--host=unix://{DOCKER_SOCKET}",
            f"--admin-password-file={password}",
            # Its way in for agents elsewhere, which can't be left out: where nobody reaches it.
            "--tunnel-addr=127.0.0.1",
            "--tunnel-port=0",
        ),
        data_path="/data",
        secret_files={password: "portainerPassword"},
        host_paths=(DOCKER_SOCKET,),
        resources=own.resources,
    )


def _url(host: str, port: int, scheme: str = "http") -> str:
    return f"{scheme}://{in_url(host)}:{port}"
