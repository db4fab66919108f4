"""The engine on real hosts over SSH: killed at thirty moments of real runs, its state stays whole,
the next run resumes, and nothing is on the hosts that the state doesn't know; hosts that don't
answer are named and keep nobody else waiting; what isn't ours stays as it is.

The containers are of an empty image and never started, so that a run takes little more than a
second; everything else is as in an operator's run.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from engine.rows import integrity_problems
from engine.state import decode_deployment, parse_deployment
from lab import settings
from lab.host import LabHost
from lab.lab import Lab
from tests.lab.conftest import logins_at
from tests.lab.workspace import CLONE

pytestmark = pytest.mark.lab

ROUNDS, KILLS_A_ROUND = 6, 5
PROGRAM = """
import json
from pathlib import Path
import pulumi
import pulumi_docker as docker

spec = json.loads(Path("spec.json").read_text())
def provider(host, **more):
    url = f"ssh://{spec['user']}@{host}"
    return docker.Provider(f"at-{host}", host=url, ssh_opts=spec["ssh"], **more)
dead = [provider(host) for host in spec.get("dead", [])]
providers = {host: provider(host) for host in spec["images"]}
before = None
for name, (host, value) in spec["containers"].items():
    before = docker.Container(
        name, name=name, image=spec["images"][host], envs=[f"VALUE={value}"], start=False,
        must_run=False, opts=pulumi.ResourceOptions(
            provider=providers[host], delete_before_replace=True,
            depends_on=[before] if before is not None and value % 2 else []))
for number, nobody in enumerate(dead):
    docker.Container(f"nowhere-{number}", name="nowhere", image="none", start=False,
                     opts=pulumi.ResourceOptions(provider=nobody, depends_on=[before]))
"""
EMPTY_IMAGE = "tar -cf - -T /dev/null | docker import -c 'CMD [\"/none\"]' - killed:1"
OURS = ("--filter", "name=^/killed-")
Containers = Mapping[str, tuple[str, int]]


@dataclass
class Deployed:
    """A small stack on two of the lab's hosts."""

    directory: Path
    hosts: Mapping[str, LabHost]
    base: Mapping[str, Any]

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [str(CLONE / "engine/bin/pulumi"), *arguments],
            cwd=self.directory,
            env={
                **os.environ,
                "PULUMI_BACKEND_URL": f"file://{self.directory}/state",
                "PULUMI_CONFIG_PASSPHRASE": "word",
                "PULUMI_PYTHON_CMD": sys.executable,
                "PULUMI_HOME": str(self.directory / "home"),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *arguments: str, code: int = 0) -> str:
        with self.start(*arguments) as process:
            said = process.communicate(timeout=120)[0]
        assert process.returncode == code, said
        return said

    def up(self) -> str:
        return self.run("up", "--yes", "--skip-preview")

    def declare(self, containers: Containers, **more: object) -> None:
        content = json.dumps({**self.base, "containers": containers, **more})
        (self.directory / "spec.json").write_text(content)

    @property
    def state_path(self) -> Path:
        return self.directory / "state/.pulumi/stacks/p/dev.json"

    @property
    def deployment(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.state_path.read_text())["checkpoint"]["latest"]
        return found

    def known(self) -> dict[str, str]:
        """Container ids of the state, and the names that they have there."""
        rows = self.deployment.get("resources") or []
        kind = "docker:index/container:Container"
        return {row["id"]: row["inputs"]["name"] for row in rows if row["type"] == kind}

    def there(self) -> dict[str, str]:
        """The same of the hosts; those of the lab's own services aren't ours."""
        found = {}
        for host in self.hosts.values():
            words = ("ps", "-a", "--no-trunc", *OURS, "--format", "{{.ID}} {{.Names}}")
            for line in host.run("docker", *words).splitlines():
                identifier, _, name = line.partition(" ")
                found[identifier] = name
        return found

    def kill_after_writes(self, writes: int, pause_seconds: float) -> bool:
        """Begin `up` and kill it a moment after it has written its state so often; False if it
        ended before. What it leaves is looked at, and its lock is taken away."""
        process = self.start("up", "--yes", "--skip-preview")
        seen = self.state_path.stat().st_ino
        while writes and process.poll() is None:
            if (now := self.state_path.stat().st_ino) != seen:
                seen, writes = now, writes - 1
            time.sleep(0.001)
        time.sleep(pause_seconds)
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=20)
        self.assert_whole()
        for lock in (self.directory / "state/.pulumi/locks").rglob("*.json"):
            lock.unlink()
        return process.returncode != 0

    def assert_whole(self) -> None:
        deployment = parse_deployment(self.state_path.read_text(), "the state")

        class Sealed:
            provider = deployment.secrets_provider
            encrypt = staticmethod(lambda text: text)
            decrypt = staticmethod(lambda _text: '""')

        snapshot, _ = decode_deployment(deployment, Sealed)  # type: ignore[arg-type]
        assert integrity_problems(snapshot.rows) == []


@pytest.fixture
def deployed(lab: Lab, tmp_path: Path) -> Iterator[Deployed]:
    (tmp_path / "Pulumi.yaml").write_text("name: p\nruntime: python\n")
    (tmp_path / "__main__.py").write_text(PROGRAM)
    (tmp_path / "state").mkdir()
    hosts = {host.address: host for host in lab.exec_hosts[:2]}
    for host in hosts.values():
        host.run("sh", "-c", EMPTY_IMAGE)
    image = ("image", "inspect", "-f", "{{.Id}}", "killed:1")
    keys = lab.directory / "ssh"
    options = (f"IdentityFile={keys}/id_ed25519", f"UserKnownHostsFile={keys}/known_hosts")
    base = {
        "user": settings.USER,
        "ssh": [word for option in options for word in ("-o", option)],
        "images": {address: host.run("docker", *image).strip() for address, host in hosts.items()},
    }
    found = Deployed(tmp_path, hosts, base)
    with found.start("stack", "init", "dev") as process:
        assert process.wait(30) == 0
    yield found
    for host in hosts.values():
        for identifier in host.run("docker", "ps", "-aq", *OURS).split():
            host.run("docker", "rm", "-f", identifier)


def random_containers(dice: random.Random, hosts: Mapping[str, LabHost]) -> Containers:
    names = sorted(dice.sample("abcdef", dice.randint(3, 5)))
    # A name stays on its host: two hosts may have one name, and the state one row for each URN.
    places = {name: sorted(hosts)["abcdef".index(name) % 2] for name in names}
    return {f"killed-{name}": (places[name], dice.randint(0, 3)) for name in names}


def test_killed_at_any_moment_a_run_on_hosts_is_resumed_by_the_next(deployed: Deployed) -> None:
    dice = random.Random(3)
    killed = interrupted = 0
    for _ in range(ROUNDS):
        deployed.declare(random_containers(dice, deployed.hosts))
        for _ in range(KILLS_A_ROUND):
            killed += deployed.kill_after_writes(dice.randint(0, 6), dice.random() * 0.06)
        pending = deployed.deployment.get("pending_operations") or []
        said = deployed.up()
        for operation in pending:  # what was under way is named
            assert operation["resource"]["urn"] in said, said
        interrupted += bool(pending)
        assert deployed.known() == deployed.there()
    assert killed > ROUNDS * KILLS_A_ROUND / 4  # else the moments are ill chosen
    assert interrupted > 0
    with deployed.start("destroy", "--yes", "--skip-preview") as process:
        assert process.wait(60) == 0
    assert deployed.there() == {}


def test_a_container_of_the_name_that_is_not_ours_is_told_of_and_not_touched(
    deployed: Deployed,
) -> None:
    address, host = next(iter(deployed.hosts.items()))
    words = ("--label", "com.docker.compose.project=old", "killed:1", "/other")
    made = host.run("docker", "create", "--name", "killed-a", *words).strip()
    try:
        deployed.declare({"killed-a": (address, 1)})
        with deployed.start("up", "--yes", "--skip-preview") as process:
            said = process.communicate(timeout=60)[0]
        assert process.returncode == 1
        for word in (
            "killed-a",
            made[:12],
            "killed:1",
            "Docker Compose (project old)",
            "docker rm",
        ):
            assert word in said
        assert deployed.there() == {made: "killed-a"}
    finally:
        host.run("docker", "rm", "-f", made)


def test_hosts_that_do_not_answer_are_all_named_within_15_s_and_others_are_done_meanwhile(
    deployed: Deployed,
) -> None:
    (first, host), (second, _) = deployed.hosts.items()
    ports = range(2201, 2208)  # more than there are handshakes at a time
    rule = ("INPUT", "-p", "tcp", "--dport", f"{ports[0]}:{ports[-1]}", "-j", "DROP")
    host.run("iptables", "-w", "-I", *rule)
    try:
        dead = [f"{first}:{port}" for port in ports]
        deployed.declare({"killed-a": (first, 0), "killed-b": (second, 0)}, dead=dead)
        named_seconds: dict[str, float] = {}
        done_seconds: dict[str, float] = {}
        said = ""
        started = time.monotonic()
        with deployed.start("up", "--yes", "--skip-preview") as process:
            assert process.stdout is not None
            for line in process.stdout:
                said += line
                seconds = time.monotonic() - started
                for address in dead:
                    if f"{address}: ssh: connect" in line:
                        named_seconds.setdefault(address, seconds)
                for name in ("killed-a", "killed-b"):
                    if f"{name} created" in line:
                        done_seconds[name] = seconds
        assert process.returncode == 1
    finally:
        host.run("iptables", "-w", "-D", *rule)
    assert set(named_seconds) == set(dead), said
    assert max(done_seconds.values()) < min(named_seconds.values()) < 15
    assert sorted(deployed.known().values()) == ["killed-a", "killed-b"], said
    assert deployed.known() == deployed.there()
    with deployed.start("destroy", "--yes", "--skip-preview") as process:
        assert process.wait(60) == 0


def test_a_preview_logs_in_where_it_would_do_something_and_nowhere_else(
    deployed: Deployed,
) -> None:
    (first, _), (second, host) = deployed.hosts.items()
    deployed.declare({"killed-a": (first, 0), "killed-b": (second, 0)})
    deployed.up()
    rule = ("INPUT", "-p", "tcp", "--dport", "22", "-j", "REJECT")
    host.run("iptables", "-w", "-I", *rule)
    try:
        before = logins(deployed)
        assert "5 unchanged" in deployed.run("preview")
        assert logins(deployed) == before
        deployed.declare({"killed-a": (first, 2), "killed-b": (second, 0)})
        assert "1 to replace" in deployed.run("preview")
        assert logins(deployed) == {**before, first: before[first] + 1}
        assert f"{second}: ssh: connect" in deployed.run("preview", "--refresh", code=1)
        deployed.declare({"killed-a": (first, 0), "killed-b": (second, 2)})
        assert f"{second}: ssh: connect" in deployed.run("preview", code=1)
    finally:
        host.run("iptables", "-w", "-D", *rule)


def logins(deployed: Deployed) -> dict[str, int]:
    return {address: logins_at(host) for address, host in deployed.hosts.items()}
