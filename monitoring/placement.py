"""Which programs are placed beside EXEC, with which words and files: a Prometheus of ours and its
like at `monitoring.host`, and what ships log files on each host. Pure.

The exporter isn't among them: it needs the SSH key of every host, and the clone that deploys
(decision 0014).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from config_schema import ExecConfig, Monitoring
from hosts.shell import DOCKER_SOCKET
from monitoring import prometheus, shippers
from monitoring.program import CONFIG, Placement, Program, SecretFile
from monitoring.prometheus import ALERTMANAGER_FILE, BLACKBOX_FILE, PROMETHEUS_FILE, Subject
from stack.layout import Layout
from stack.text import in_url

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
    """What is placed; None where nothing is. `alertmanager`: the site's own configuration of it, as
    text."""
    programs = [
        *_watching(config.monitoring, layout, stack, alertmanager),
        *shippers.programs(config, layout, stack),
    ]
    if not programs:
        return None
    prefix = f"{config.tenant.container_prefix}-" if config.tenant.container_prefix else ""
    place = config.registry.infra_repository
    found = (replace(each, image=f"{place}/{each.image}") for each in programs)
    return Placement(stack, prefix, tuple(found))


def _watching(
    settings: Monitoring, layout: Layout, stack: str, alertmanager: str | None
) -> list[Program]:
    """What is placed at `monitoring.host`; its images as yet without their repository."""
    host = settings.host
    if host is None:
        return []
    files = prometheus.files(Subject(stack, settled(settings), layout))
    if alertmanager is not None:
        files[ALERTMANAGER_FILE] = alertmanager
    programs = [_prometheus(settings, host, files)]
    if settings.places_alertmanager:
        programs.append(_alertmanager(settings, host, files))
    if settings.places_blackbox:
        programs.append(_blackbox(settings, host, files))
    if settings.grafana.enabled:
        programs.append(_grafana(settings, host))
    if settings.portainer.enabled:
        programs.append(_portainer(settings, host))
    return programs


def _prometheus(settings: Monitoring, host: str, files: Mapping[str, str]) -> Program:
    own = settings.prometheus
    size = own.retention_size_gib
    return Program(
        host=host,
        name="prometheus",
        title="Prometheus",
        image=own.place,
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
        host=host,
        name="alertmanager",
        title="Alertmanager",
        image=own.place,
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


def _blackbox(settings: Monitoring, host: str, files: Mapping[str, str]) -> Program:
    own = settings.blackbox_exporter
    return Program(
        host=host,
        name="blackbox-exporter",
        title="the blackbox exporter",
        image=own.place,
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
        host=host,
        name="grafana",
        title="Grafana",
        image=own.place,
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


def _portainer(settings: Monitoring, host: str) -> Program:
    """Portainer on the host's own Docker. The first login is nobody's to take: its admin is there,
    with the secret, before it serves.

    Source: portainer 2.23, api/cli/cli.go and api/cmd/portainer/main.go; its issue 12667: with a
    password file there is no environment but the one of --host.
    """
    own = settings.portainer
    password = f"{CONFIG}/portainer-password"
    return Program(
        host=host,
        name="portainer",
        title="Portainer",
        image=own.place,
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
        secret_files={password: SecretFile("portainerPassword")},
        host_paths=(DOCKER_SOCKET,),
        resources=own.resources,
    )


def _url(host: str, port: int) -> str:
    return f"http://{in_url(host)}:{port}"
