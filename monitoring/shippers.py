"""What ships the services' log files, one on each host that has any: Alloy or Filebeat. Pure."""

from __future__ import annotations

from config_schema import ExecConfig, Shipping
from monitoring import shipping
from monitoring.program import CONFIG, Program, SecretFile
from monitoring.shipping import PASSWORD_FILE
from stack.layout import Instance, Layout
from stack.retention import log_files

DATA = "/var/lib/exec"
"""Chosen: in neither image. A volume takes the owner of the directory that it covers, and what runs
without root's way around permissions could write to none of somebody else's."""
SECRET = "shippingPassword"


def programs(config: ExecConfig, layout: Layout, stack: str) -> list[Program]:
    """One a host on which an instance, stopped or not, writes files; none without
    `logging.shipping`. Its image is as yet without its repository."""
    own = config.logging.shipping
    if own is None:
        return []
    of_agent = _alloy if own.agent == "alloy" else _filebeat
    found = []
    for host in layout.hosts:
        instances = [i for i in layout.instances if i.host == host]
        paths = dict.fromkeys(i.log_host_path for i in instances if log_files(i))
        if paths:
            found.append(of_agent(own, host, stack, config.tenant.id, instances, tuple(paths)))
    return found


def _alloy(
    own: Shipping,
    host: str,
    stack: str,
    tenant: str,
    instances: list[Instance],
    paths: tuple[str, ...],
) -> Program:
    """Source: alloy, docs/sources/reference/cli/run.md and its Dockerfile's ENTRYPOINT."""
    config = f"{CONFIG}/config.alloy"
    return Program(
        host=host,
        name="alloy",
        title="Alloy",
        image=own.place,
        port=own.own_port,
        ready_path="/-/ready",
        arguments=(
            "run",
            config,
            f"--storage.path={DATA}",
            f"--server.http.listen-addr=127.0.0.1:{own.own_port}",
            "--disable-reporting",
        ),
        files={config: shipping.alloy(stack, tenant, instances, own)},
        secret_files={PASSWORD_FILE: SecretFile(SECRET)} if own.user else {},
        data_path=DATA,
        ships=paths,
        to=own.url,
        resources=own.resources,
    )


def _filebeat(
    own: Shipping,
    host: str,
    stack: str,
    tenant: str,
    instances: list[Instance],
    paths: tuple[str, ...],
) -> Program:
    """The password is in a configuration of its own, which Filebeat takes with the other.

    Source: beats, the Docker image's entry point, which gives what begins with a dash to Filebeat.
    """
    config, login = f"{CONFIG}/filebeat.yml", f"{CONFIG}/login.yml"
    secret = SecretFile(SECRET, "output.elasticsearch.password: ", is_yaml=True)
    return Program(
        host=host,
        name="filebeat",
        title="Filebeat",
        image=own.place,
        port=own.own_port,
        ready_path="/",
        arguments=(
            "-environment",
            "container",
            f"--path.data={DATA}",
            *("-c", config),
            *(("-c", login) if own.user else ()),
        ),
        files={config: shipping.filebeat(stack, tenant, instances, own)},
        secret_files={login: secret} if own.user else {},
        data_path=DATA,
        ships=paths,
        to=own.url,
        resources=own.resources,
    )
