"""The same deployment by Ansible with community.docker, tuned as its users tune it: forks for all
hosts, pipelining, connections that persist, no facts gathered.

A play pulls on all hosts; EXCS, its sync, EXAS; then the first of each pair, then the second.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lab import settings
from stack.layout import Instance, Layout

FORKS = 50
PATIENCE = {"retries": 2400, "delay": 0.05}
PYTHON = "/usr/bin/python3"
"""On the hosts, with Debian's python3-requests, which the modules need there."""


class Ansible:
    """Its project in `directory`."""

    def __init__(
        self, layout: Layout, lab_directory: Path, secrets: dict[str, str], directory: Path
    ) -> None:
        self.layout = layout
        self.secrets = secrets
        self.directory = directory
        directory.mkdir(mode=0o700, exist_ok=True)
        ssh = lab_directory / "ssh"
        (directory / "ansible.cfg").write_text(
            f"[defaults]\nforks = {FORKS}\nhost_key_checking = True\ngathering = explicit\n"
            f"interpreter_python = {PYTHON}\n[ssh_connection]\npipelining = True\n"
            f"ssh_args = -F none -i {ssh}/id_ed25519 -o UserKnownHostsFile={ssh}/known_hosts"
            f" -o ControlMaster=auto -o ControlPersist=60 -o ControlPath={directory}/%C\n"
        )
        self._write()

    def deploy(self, *options: str) -> float:
        """Wall seconds of a run of the playbook. RuntimeError if a task failed."""
        started = time.monotonic()
        run = subprocess.run(
            ["ansible-playbook", "-i", "inventory.json", *options, "play.json"],
            cwd=self.directory,
            env={**os.environ, "ANSIBLE_CONFIG": str(self.directory / "ansible.cfg")},
            capture_output=True,
            text=True,
        )
        if run.returncode:
            raise RuntimeError(run.stdout[-3000:] + run.stderr[-1000:])
        return time.monotonic() - started

    def _write(self) -> None:
        hosts = {
            instance.key: _variables(instance, self.secrets) for instance in self.layout.running
        }
        for name, content in (
            ("inventory.json", {"all": {"hosts": hosts}}),
            ("play.json", self._plays()),
        ):
            path = self.directory / name
            path.touch(mode=0o600)
            path.write_text(json.dumps(content, indent=1))

    def _plays(self) -> list[dict[str, Any]]:
        (excs,) = self.layout.of("excs")
        first, second = ([pair[number].key for _, pair in self.layout.pairs] for number in (0, 1))
        return [
            _play("all", [_login(excs), _pull()]),
            _play([excs.key], [_container(), _healthy(), _synchronized(excs)]),
            _play([i.key for i in self.layout.of("exas")] + first, [_container(), _healthy()]),
            _play(second, [_container(), _healthy()]),
        ]


def _variables(instance: Instance, secrets: dict[str, str]) -> dict[str, Any]:
    variables = dict(instance.environment)
    variables |= {name: secrets[key] for name, key in instance.secret_environment.items()}
    return {
        "ansible_host": instance.host,
        "ansible_user": settings.USER,
        "container": instance.container_name,
        "image": instance.image,
        "variables": variables,
        "logs": f"{instance.log_host_path}:{instance.log_container_path}",
        "health": instance.health_url,
    }


def _play(hosts: str | Sequence[str], tasks: Sequence[dict[str, Any]]) -> dict[str, Any]:
    names = hosts if isinstance(hosts, str) else ":".join(hosts)
    return {"hosts": names, "gather_facts": False, "tasks": list(tasks)}


def _login(excs: Instance) -> dict[str, Any]:
    return {
        "community.docker.docker_login": {
            "registry_url": excs.image.split("/")[0],
            "username": settings.REGISTRY_USER,
            "password": settings.REGISTRY_PASSWORD,
        },
        "no_log": True,
    }


def _pull() -> dict[str, Any]:
    return {"community.docker.docker_image": {"name": "{{ image }}", "source": "pull"}}


def _container() -> dict[str, Any]:
    return {
        "community.docker.docker_container": {
            "name": "{{ container }}",
            "image": "{{ image }}",
            "network_mode": "host",
            "env": "{{ variables }}",
            "volumes": ["{{ logs }}"],
        }
    }


def _healthy() -> dict[str, Any]:
    return {
        "uri": {"url": "{{ health }}"},
        "delegate_to": "localhost",
        "check_mode": False,
        "register": "found",
        "until": "found.status == 200",
        **PATIENCE,
    }


def _synchronized(excs: Instance) -> dict[str, Any]:
    return {
        "uri": {"url": excs.status_url, "return_content": True},
        "delegate_to": "localhost",
        "check_mode": False,
        "register": "found",
        "until": "found.json.data.syncStatus.status == 'Success'",
        **PATIENCE,
    }
