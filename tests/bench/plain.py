"""The same deployment by a plain script: ssh, docker and curl, what one would write in a shell."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from health.contract import parse_status
from health.probe import direct_probe
from lab import settings
from stack.layout import Instance, Layout

POLL_SECONDS = 0.05


class Plain:
    """One ssh connection a host, docker on the host; notes how long each service takes itself."""

    def __init__(self, layout: Layout, lab_directory: Path, secrets: dict[str, str]) -> None:
        self.layout = layout
        self.secrets = secrets
        ssh = lab_directory / "ssh"
        self.options = [
            *("-F", "none", "-i", str(ssh / "id_ed25519"), "-o", "BatchMode=yes"),
            *("-o", f"UserKnownHostsFile={ssh / 'known_hosts'}", "-o", "ControlMaster=auto"),
            *("-o", f"ControlPath={ssh}/%C", "-o", "ControlPersist=30"),
        ]
        self.own_seconds: dict[str, float] = {}

    def deploy(self) -> float:
        """Wall seconds of the whole deployment."""
        started = time.monotonic()
        with ThreadPoolExecutor(16) as pool:
            list(pool.map(self._pull, self.layout.instances))
            (excs,) = self.layout.of("excs")
            self._start(excs)
            self.own_seconds["sync"] = wait_until_synced(excs)
            chains = [self.layout.of("exas")]
            chains += [instances for _, instances in self.layout.pairs]
            list(pool.map(self._start_one_by_one, chains))
        return time.monotonic() - started

    def replace_pairs(self) -> float:
        """Wall seconds of a new container for each of all pairs, in a pair one after the other."""
        started = time.monotonic()
        pairs = [instances for _, instances in self.layout.pairs]
        with ThreadPoolExecutor(16) as pool:
            list(pool.map(self._pull, [instance for pair in pairs for instance in pair]))
            list(pool.map(self._replace_one_by_one, pairs))
        return time.monotonic() - started

    def chain_seconds(self) -> float:
        """The services' own start-up on the longest chain: EXCS, its sync, then the pair."""
        return sum(self.own_seconds[key] for key in ("excs", "sync", "excp-1-1", "excp-1-2"))

    def _pull(self, instance: Instance) -> None:
        registry = instance.image.split("/")[0]
        login = f"docker login -u {settings.REGISTRY_USER} --password-stdin {registry}"
        self._run(instance, login, settings.REGISTRY_PASSWORD)
        self._run(instance, f"docker pull -q {instance.image}")

    def _start_one_by_one(self, instances: Sequence[Instance]) -> None:
        for instance in instances:
            self._start(instance)

    def _replace_one_by_one(self, instances: Sequence[Instance]) -> None:
        for instance in instances:
            self._run(instance, f"docker rm -f {instance.container_name}")
            self._start(instance)

    def _start(self, instance: Instance) -> None:
        variables = dict(instance.environment)
        for variable, name in instance.secret_environment.items():
            variables[variable] = self.secrets[name]
        content = "".join(f"{name}={value}\n" for name, value in variables.items())
        self._run(
            instance,
            f"docker run -d --name {instance.container_name} --network host --env-file /dev/stdin"
            f" -v {instance.log_host_path}:{instance.log_container_path} {instance.image}",
            content,
        )
        self.own_seconds[instance.key] = wait_until_healthy(instance)

    def _run(self, instance: Instance, command: str, stdin: str = "") -> None:
        target = f"{settings.USER}@{instance.host}"
        run = subprocess.run(
            ["ssh", *self.options, target, command],
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )
        if run.returncode:
            raise RuntimeError(f"{instance.key}: {command.split()[:2]}: {run.stderr.strip()}")


def wait_until_healthy(instance: Instance) -> float:
    """The seconds until it answered 200 once."""
    probe = direct_probe()
    return _wait(lambda: probe(instance.health_url).is_ok)


def wait_until_synced(excs: Instance) -> float:
    """The seconds until its sync was complete."""
    assert excs.status_url is not None
    probe, url = direct_probe(), excs.status_url
    return _wait(lambda: parse_status(probe(url).body).sync.is_success)


def _wait(is_done: Callable[[], bool]) -> float:
    started = time.monotonic()
    while not is_done():
        time.sleep(POLL_SECONDS)
    return time.monotonic() - started


def lab_secrets() -> dict[str, str]:
    return {
        "redisPassword": settings.REDIS_PASSWORD,
        "configDbPassword": settings.DATABASE_PASSWORD,
        "configServerPassword": settings.CONFIG_SERVER_PASSWORD,
        "registryPassword": settings.REGISTRY_PASSWORD,
        "oauthClientSecret": settings.OAUTH_CLIENT_SECRET,
    }
