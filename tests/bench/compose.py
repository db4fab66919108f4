"""The same deployment by docker compose over ssh: a project for each host, `--wait` left to curl.

The steps in between, EXCS before its sync before the rest, are a script's, as in plain.py.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from lab import settings
from stack.layout import Instance, Layout
from tests.bench.plain import wait_until_healthy, wait_until_synced


class Compose:
    """Its files in `directory`; `program` is docker compose."""

    def __init__(
        self,
        layout: Layout,
        lab_directory: Path,
        secrets: dict[str, str],
        directory: Path,
        program: str,
    ) -> None:
        self.layout = layout
        self.directory = directory
        self.program = program
        directory.mkdir(mode=0o700, exist_ok=True)
        (directory / "ssh").write_text(
            f"#!/bin/sh\nexec /usr/bin/ssh -F none -i {lab_directory}/ssh/id_ed25519"
            f" -o UserKnownHostsFile={lab_directory}/ssh/known_hosts -o ControlMaster=auto"
            f' -o ControlPersist=60 -o ControlPath={directory}/%C "$@"\n'
        )
        (directory / "ssh").chmod(0o700)
        login = base64.b64encode(
            f"{settings.REGISTRY_USER}:{settings.REGISTRY_PASSWORD}".encode()
        ).decode()
        registries = {instance.image.split("/")[0] for instance in layout.instances}
        auths = {registry: {"auth": login} for registry in registries}
        (directory / "config.json").write_text(json.dumps({"auths": auths}))
        for instance in layout.running:
            (directory / f"{instance.key}.json").write_text(json.dumps(_project(instance, secrets)))

    def deploy(self) -> float:
        """Wall seconds of the whole deployment, or of finding that there is nothing to do."""
        started = time.monotonic()
        (excs,) = self.layout.of("excs")
        with ThreadPoolExecutor(16) as pool:
            list(pool.map(self._pull, self.layout.running))
            self._up([excs])
            wait_until_synced(excs)
            chains = [self.layout.of("exas"), *(pair for _, pair in self.layout.pairs)]
            list(pool.map(self._up, chains))
        return time.monotonic() - started

    def _pull(self, instance: Instance) -> None:
        self._run(instance, "pull", "--quiet", "--policy", "missing")

    def _up(self, instances: Iterable[Instance]) -> None:
        for instance in instances:
            self._run(instance, "up", "--detach", "--quiet-pull")
            wait_until_healthy(instance)

    def _run(self, instance: Instance, *words: str) -> None:
        run = subprocess.run(
            [self.program, "-f", f"{self.directory}/{instance.key}.json", *words],
            env={
                **os.environ,
                "PATH": f"{self.directory}:{os.environ['PATH']}",
                "DOCKER_HOST": f"ssh://{settings.USER}@{instance.host}",
                "DOCKER_CONFIG": str(self.directory),
            },
            capture_output=True,
            text=True,
        )
        if run.returncode:
            raise RuntimeError(f"{instance.key}: {words[0]}: {run.stderr.strip()[-1000:]}")


def _project(instance: Instance, secrets: dict[str, str]) -> dict[str, object]:
    variables = dict(instance.environment)
    variables |= {name: secrets[key] for name, key in instance.secret_environment.items()}
    service = {
        "container_name": instance.container_name,
        "image": instance.image,
        "network_mode": "host",
        "environment": {name: value.replace("$", "$$") for name, value in variables.items()},
        "volumes": [f"{instance.log_host_path}:{instance.log_container_path}"],
    }
    return {"name": instance.key, "services": {instance.service: service}}
