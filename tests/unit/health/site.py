"""A site as its hosts would describe it, all well, and the means to spoil it on purpose."""

from __future__ import annotations

import json
from typing import Any

from health.preflight.answers import (
    ClockOffset,
    CloudAnswer,
    HostAnswers,
    KeyState,
    Organization,
    RedisAnswer,
    Sessions,
)
from health.preflight.finding import Finding
from health.preflight.host_facts import parse
from health.preflight.network import REFUSED
from health.preflight.outcome import Outcome
from health.preflight.registry import Manifest, RegistryAnswer
from health.preflight.run import judge
from health.preflight.subject import Subject
from hosts.answer import Ending, HostAnswer
from stack.layout import build_layout
from tests.unit.stack_file import StackFile

EXCS, EXAS, EXCP_1, EXCP_2 = (f"10.77.0.{last}" for last in (101, 102, 103, 104))
REGISTRY = "10.77.0.10:5000"
REDIS, CONFIG_DB = "10.77.0.10:6379", "10.77.0.10:5432"
ORG_ID = "6662cb10-0d4d-4710-b979-db69011e66fd"
API, LOGIN = "api.mypurecloud.com:443", "login.mypurecloud.com:443"
DIGEST, OTHER_DIGEST = f"sha256:{'a' * 64}", f"sha256:{'b' * 64}"
DONE = Outcome("done")
SERVICES = {EXCS: "excs", EXAS: "exas", EXCP_1: "excp", EXCP_2: "excp"}


class Site:
    """The stack of Pulumi.dev.yaml without waivers. Change what is public, then `findings()`."""

    def __init__(self) -> None:
        self.file = StackFile().put("preflight", {})
        self.other_stacks = 0
        self.facts: dict[str, dict[str, str]] = {}
        self.docker: dict[str, dict[str, Any]] = {}
        self.lines: dict[str, list[str]] = {}
        self.reached: dict[str, dict[str, str]] = {}
        self.logins: dict[str, HostAnswer] = {}
        self.keys: dict[str, KeyState] = {}
        self.sessions: dict[str, Sessions] = {}
        self.registry: dict[str, RegistryAnswer | None] = {}
        self.redis: dict[str, RedisAnswer | None] = {}
        self.config_db: Outcome | None = DONE
        self.ways: dict[str, dict[int, str]] = {}
        self.cloud: dict[str, CloudAnswer | None] = {}
        for host in SERVICES:
            self._make_well(host)

    def _make_well(self, host: str) -> None:
        self.facts[host] = {
            "access": "allowed",
            "server": json.dumps({"ApiVersion": "1.43", "MinAPIVersion": "1.12"}),
            "machine_id": f"machine of {host}",
            "boot_id": "one for all",
            "kernel": "5.10.0-8-amd64",
            "machine": "x86_64",
            "bits": "64",
            "cpus": "2",
            "memory_mib": "7900",
            "store": "/var/lib/docker",
            "disk": "78000 60000",
            "sync": "yes",
            "logs": "/var/log/exec",
            "logs_stat": "0 755 directory",
            "logs_df": "10000 9000 /var/log",
            "logs_mount": "rw,relatime",
        }
        self.docker[host] = {
            "ServerVersion": "24.0.5",
            "SecurityOptions": ["name=seccomp"],
            "NCPU": 2,
        }
        self.lines[host] = []
        targets = [REGISTRY, REDIS, API, LOGIN, CONFIG_DB, f"{EXCS}:3640"]
        targets += ["10.77.0.20:2060", "10.77.0.21:2060", "10.77.0.22:8000", "10.77.0.23:8000"]
        self.reached[host] = dict.fromkeys(targets, "open")
        self.sessions[host] = Sessions(3, 3, ClockOffset(0.01, 0.02))
        image = self.image(host)
        self.registry[host] = RegistryAnswer(DONE, {image: Manifest(DIGEST, 300 << 20)})
        self.redis[host] = RedisAnswer(DONE, dict(REDIS_INFO))
        own = Organization(DONE, ORG_ID, "acme")
        is_first = host == EXCS
        self.cloud[host] = CloudAnswer(DONE, DONE if is_first else None, own if is_first else None)

    def image(self, host: str) -> str:
        return f"{REGISTRY}/exec/{SERVICES[host]}:100.0.100.11"

    def has_image(
        self, host: str, digest: str = DIGEST, user: str = "", architecture: str = "amd64"
    ) -> Site:
        place = self.image(host).rpartition(":")[0]
        found = {
            "Id": "sha256:1",
            "RepoTags": [self.image(host)],
            "RepoDigests": [f"{place}@{digest}"],
            "Architecture": architecture,
            "Config": {"User": user},
        }
        self.lines[host].append(f"image\t{json.dumps(found)}")
        return self

    def has_container(
        self, host: str, name: str, stack: str = "", project: str = "", network: str = "host"
    ) -> Site:
        labels = {"exec.stack": stack, "com.docker.compose.project": project}
        found = {
            "Id": name,
            "Name": f"/{name}",
            "Created": "2026-11-20T10:00:00.123456789Z",
            "State": {"Status": "running"},
            "Config": {"Image": f"{name}:1", "Labels": {k: v for k, v in labels.items() if v}},
            "HostConfig": {"NetworkMode": network},
        }
        self.lines[host].append(f"container\t{json.dumps(found)}")
        return self

    def listens(self, host: str, port: int, user: str = "root") -> Site:
        self.lines[host].append(f"listen\t{port:04X}\t{user}")
        return self

    def says(self, host: str, name: str, value: str) -> Site:
        self.facts[host][name] = value
        return self

    def reaches(self, address: str, state: str | None, *hosts: str) -> Site:
        for host in hosts or SERVICES:
            if state is None:
                del self.reached[host][address]
            else:
                self.reached[host][address] = state
        return self

    def redis_says(self, host: str, **info: Any) -> Site:
        self.redis[host] = RedisAnswer(DONE, {**REDIS_INFO, **info})
        return self

    def text(self, host: str) -> str:
        """What the script printed on the host."""
        lines = ["begin\t1", f"info\t{json.dumps(self.docker[host])}"]
        lines += [f"{name}\t{value}" for name, value in sorted(self.facts[host].items())]
        for address, state in self.reached[host].items():
            name, _, port = address.rpartition(":")
            words = state if state in ("open", "timeout") else f"bash: connect: {state}"
            lines.append(f"reach\t{name}\t{port}\t{words}")
        return "\n".join([*lines, *self.lines[host], ""])

    def subject(self) -> Subject:
        config = self.file.config()
        layout = build_layout(config, "dev")
        return Subject("dev", config, layout, other_stacks=self.other_stacks)

    def answers(self, host: str) -> HostAnswers:
        login = self.logins.get(host, HostAnswer(0, "", ""))
        if login.code != 0:
            return HostAnswers(login, key=self.keys.get(host))
        return HostAnswers(
            login,
            parse(self.text(host)),
            self.sessions[host],
            self.registry[host],
            self.redis[host],
            self.config_db if host == EXCS else None,
            self.cloud[host],
            self.ways.get(host, {3640: "open", 3630: REFUSED, 3650: "open"}),
        )

    def ssh_says(
        self,
        host: str,
        words: str,
        kind: Ending = Ending.NOT_REACHED,
        key: KeyState | None = None,
    ) -> Site:
        self.logins[host] = HostAnswer(255, "", words, kind, limit_seconds=15)
        if key is not None:
            self.keys[host] = key
        return self

    def findings(self) -> list[Finding]:
        return judge(self.subject(), {host: self.answers(host) for host in SERVICES})


REDIS_INFO = {
    "redis_version": "6.2.7",
    "cluster_enabled": 0,
    "role": "master",
    "loading": 0,
    "maxmemory": 2 << 30,
    "total_system_memory": 16 << 30,
}
