"""The services as the vendor's bootstrap script and compose would have left them on the EXEC hosts.

To try a migration from: a `.env` with its passwords in the home of `genesys`, containers with
compose's labels and `restart: always`, started in the vendor's order. The vendor's compose files
aren't public; what they amount to is inferred from its page. No compose is needed: a container is
what its labels and settings make it.
"""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

from lab import settings
from lab.exec_host import USER_ID
from lab.host import LabHost
from lab.lab import Lab, at_once
from lab.processes import wait_for

PROJECT = "exec"
DOCKER_CONFIG = "/run/exec-legacy-docker"
PORTS = {"excs": 3640, "exas": 3630, "excp": 3650}
SYNC_SECONDS = 600.0
NOT_VARIABLES = ("VM_HOST", "HOST", "VM_HOST_PAIR", "TAG")
"""What of a service's keys only says where its container runs."""


def env_text(plan: settings.Plan) -> str:
    """The `.env` as the vendor's `init` copies it to every host, passwords included."""
    hosts = list(plan.exec_hosts.values())
    tag = settings.VERSIONS[0]
    (stat_1, stat_2), (sip_1, sip_2) = plan.stat_servers, plan.sip_servers
    sip = f"{sip_1}:{settings.SIP_SERVER_PORT}/{sip_2}:{settings.SIP_SERVER_PORT}"
    lines = f"""\
# EXEC environment of the lab
EXEC_DOCKER_REPOSITORY={plan.registry}/exec
EXEC_INFRA_DOCKER_REPOSITORY=
EXEC_HOST_LOGS_VOLUME_PATH={settings.HOST_LOG_PATH}
EXEC_ORG_ID={settings.ORG_ID}
EXEC_TENANT_ID={settings.TENANT_ID}
EXEC_REDIS_HOST={plan.infra}
EXEC_REDIS_PORT={settings.REDIS_PORT}
EXEC_REDIS_SECURE=true
EXEC_REDIS_PASSWORD={settings.REDIS_PASSWORD}

EXCS_VM_HOST={hosts[0]}
EXCS_PORT={PORTS["excs"]}
EXCS_TAG={tag}
EXCS_CONFIG_DB_HOST={plan.infra}
EXCS_CONFIG_DB_PORT={settings.POSTGRESQL_PORT}
EXCS_CONFIG_DB_USER={settings.DATABASE_USER}
EXCS_CONFIG_DB_SSL=false
EXCS_CONFIG_DB_PASSWORD={settings.DATABASE_PASSWORD}
EXCS_CONFIG_DB_NAME={settings.DATABASE}
EXCS_CONFIG_DB_TYPE=postgresql
EXCS_SYNC_CUSTOMER_OBJECTS_ONLY=true
EXCS_SYNC_CUSTOMER_FOLDER_NAME=Retail,Claims
EXCS_LOG_PATH=/logs
EXCS_LOG_FILENAME='excs-${{TENANT_ID}}.%Y%m%d_%H%M%S_%L.log'
EXCS_LOG_LEVEL=info
EXCS_GC_QUEUE_NAME_SUFFIX=-Engage-external

EXAS_HOST={hosts[1]}
EXAS_PORT={PORTS["exas"]}
EXAS_TAG={tag}
EXAS_STAT_SERVER_PRIMARY_HOST={stat_1}
EXAS_STAT_SERVER_PRIMARY_PORT={settings.STAT_SERVER_PORT}
EXAS_STAT_SERVER_BACKUP_HOST={stat_2}
EXAS_STAT_SERVER_BACKUP_PORT={settings.STAT_SERVER_PORT}
EXAS_LOG_PATH=/logs
EXAS_LOG_FILENAME='exas-${{TENANT_ID}}.%Y%m%d_%H%M%S_%L.log'
EXAS_LOG_LEVEL=info
""".splitlines()
    for pair in range(1, plan.pairs + 1):
        first = 2 * pair
        lines += f"""
EXCP_{pair}_VM_HOST_PAIR={hosts[first]},{hosts[first + 1]}
EXCP_{pair}_PORT={PORTS["excp"]}
EXCP_{pair}_TAG={tag}
EXCP_{pair}_VOICE_SERVER_VQ={sip}
EXCP_{pair}_VOICE_SERVER_AGENT={sip}
EXCP_{pair}_VOICE_SERVER_CALL={sip}
EXCP_{pair}_LOG_PATH=/logs
EXCP_{pair}_LOG_FILE_NAME='excp-.%Y%m%d_%H%M%S_%L_${{TENANT_ID}}_${{HOSTNAME}}.log'
EXCP_{pair}_LOG_LEVEL=info
""".splitlines()
    return "\n".join(lines) + "\n"


def up(lab: Lab) -> None:
    """Puts the `.env` on every host and starts the services in the vendor's order."""
    text = env_text(lab.plan)
    excs, exas, *excp = lab.exec_hosts
    at_once([partial(_prepare, host, text) for host in lab.exec_hosts])
    _start(excs, "excs", text)
    _wait(excs, "excs")
    wait_for("the sync of EXCS", lambda: _is_synced(excs), SYNC_SECONDS)
    _start(exas, "exas", text)
    for position, host in enumerate(excp):
        _start(host, "excp", text, pair=position // 2 + 1)
    at_once([partial(_wait, exas, "exas"), *(partial(_wait, host, "excp") for host in excp)])


def down(lab: Lab) -> None:
    """Removes what `up` made, under whatever name it is by now."""
    for host in lab.exec_hosts:
        label = f"label=com.docker.compose.project={PROJECT}"
        ids = host.run("docker", "ps", "-aq", "--filter", label).split()
        if ids:
            host.run("docker", "rm", "-f", *ids)
        host.run("rm", "-rf", str(directory_of(host)))


def directory_of(host: LabHost) -> Path:
    """Where the vendor's script keeps its files: `exec` in the home of `genesys`."""
    return host.directory / "home/exec"


def _prepare(host: LabHost, text: str) -> None:
    directory = directory_of(host)
    directory.mkdir(exist_ok=True)
    (directory / ".env").write_text(text)
    host.run("chown", "-R", f"{USER_ID}:{USER_ID}", str(directory))
    docker = ("docker", "--config", DOCKER_CONFIG)
    login = ("login", "--username", settings.REGISTRY_USER, "--password-stdin")
    host.run(*docker, *login, host.plan.registry, stdin=settings.REGISTRY_PASSWORD)


def container_name(service: str) -> str:
    """EXCS with a name of its own, as `container_name` in a compose file gives it; the others as
    compose names them by itself."""
    return service if service == "excs" else f"{PROJECT}-{service}-1"


def variables(service: str, text: str, plan: settings.Plan, pair: int = 1) -> dict[str, str]:
    """A container's variables: the keys of the `.env` without their prefix."""
    found: dict[str, str] = {}
    own = {"excp": f"EXCP_{pair}_"}.get(service, f"{service.upper()}_")
    for line in text.splitlines():
        key, _, value = line.partition("=")
        name = key.removeprefix("EXEC_").removeprefix(own)
        value = value.strip("'").replace("${TENANT_ID}", settings.TENANT_ID)
        is_its_own = key.startswith(own) and name not in NOT_VARIABLES
        is_common = key.startswith("EXEC_") and name not in (
            "DOCKER_REPOSITORY",
            "INFRA_DOCKER_REPOSITORY",
            "HOST_LOGS_VOLUME_PATH",
        )
        if is_its_own or is_common:
            found[name] = value
    if service != "excs":
        found["EXCS_URL"] = f"http://{next(iter(plan.exec_hosts.values()))}:{PORTS['excs']}"
    return found


def _start(host: LabHost, service: str, text: str, pair: int = 1) -> None:
    image = f"{host.plan.registry}/exec/{service}:{settings.VERSIONS[0]}"
    host.run("docker", "--config", DOCKER_CONFIG, "pull", "--quiet", image)
    found = variables(service, text, host.plan, pair)
    lines = [f"{k}={v.replace('${HOSTNAME}', host.name)}" for k, v in found.items()]
    labels = {
        "com.docker.compose.project": PROJECT,
        "com.docker.compose.service": service,
        "com.docker.compose.container-number": "1",
        "com.docker.compose.project.working_dir": str(directory_of(host)),
        "com.docker.compose.project.config_files": str(
            directory_of(host) / f"docker-compose-{service}.yml"
        ),
    }
    words = [word for k, v in labels.items() for word in ("--label", f"{k}={v}")]
    host.run(
        *("docker", "run", "--detach", "--name", container_name(service)),
        *("--network=host", "--restart=always", *words, "--env-file=/dev/stdin"),
        *(f"--volume={settings.HOST_LOG_PATH}:/logs", image),
        stdin="\n".join(lines) + "\n",
    )


def _answer(host: LabHost, service: str, path: str) -> dict[str, Any] | None:
    try:
        url = f"http://{host.address}:{PORTS[service]}{path}"
        with build_opener(ProxyHandler({})).open(url, timeout=2) as answer:
            found = json.load(answer)
    except (URLError, OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _wait(host: LabHost, service: str) -> None:
    wait_for(f"{service} on {host.name}", lambda: _answer(host, service, "/health") is not None, 60)


def _is_synced(host: LabHost) -> bool:
    found = _answer(host, "excs", "/status")
    return found is not None and found["data"]["updateStatus"]["status"] == "Success"
