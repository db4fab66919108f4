"""What ships the services' log files, one on each host that has any: Alloy or Filebeat. Pure."""

from __future__ import annotations

from dataclasses import replace

from config_schema import ExecConfig, Shipping
from monitoring import shipping
from monitoring.program import CONFIG, Program, SecretFile
from monitoring.shipping import PASSWORD_FILE
from stack.layout import Layout
from stack.retention import log_files

DATA = "/var/lib/exec"
"""Chosen: in neither image. A volume takes the owner of the directory that it covers, and what runs
without root's way around permissions could write to none of somebody else's."""
SECRET = "shippingPassword"
READY_PATHS = {"alloy": "/-/ready", "filebeat": "/"}


def programs(config: ExecConfig, layout: Layout, stack: str) -> list[Program]:
    """One a host on which an instance, stopped or not, writes files; none without
    `logging.shipping`. Its image is as yet without its repository."""
    own = config.logging.shipping
    if own is None:
        return []
    found = []
    for host in layout.hosts:
        instances = [i for i in layout.instances if i.host == host]
        paths = dict.fromkeys(i.log_host_path for i in instances if log_files(i))
        if not paths:
            continue
        shipper = Program(
            host=host,
            name=own.agent,
            title=own.agent.capitalize(),
            image=own.place,
            port=own.own_port,
            ready_path=READY_PATHS[own.agent],
            data_path=DATA,
            ships=tuple(paths),
            to=own.url,
            resources=own.resources,
        )
        said = (stack, config.tenant.id, instances, own)
        if own.agent == "alloy":
            found.append(_alloy(shipper, own, shipping.alloy(*said)))
        else:
            found.append(_filebeat(shipper, own, shipping.filebeat(*said)))
    return found


def _alloy(shipper: Program, own: Shipping, text: str) -> Program:
    """Source: alloy, docs/sources/reference/cli/run.md and its Dockerfile's ENTRYPOINT."""
    config = f"{CONFIG}/config.alloy"
    return replace(
        shipper,
        arguments=(
            "run",
            config,
            f"--storage.path={DATA}",
            f"--server.http.listen-addr=127.0.0.1:{own.own_port}",
            "--disable-reporting",
        ),
        files={config: text},
        secret_files={PASSWORD_FILE: SecretFile(SECRET)} if own.user else {},
    )


def _filebeat(shipper: Program, own: Shipping, text: str) -> Program:
    """The password is in a configuration of its own, which Filebeat takes with the other.

    Source: beats, the Docker image's entry point, which gives what begins with a dash to Filebeat.
    """
    config, login = f"{CONFIG}/filebeat.yml", f"{CONFIG}/login.yml"
    secret = SecretFile(SECRET, "output.elasticsearch.password: ", is_yaml=True)
    return replace(
        shipper,
        arguments=(
            "-environment",
            "container",
            f"--path.data={DATA}",
            *("-c", config),
            *(("-c", login) if own.user else ()),
        ),
        files={config: text},
        secret_files={login: secret} if own.user else {},
    )
