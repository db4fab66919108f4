"""Kills the engine at thirty moments, and proves that the state stays whole and true; and that
random programs are created, changed and deleted in the order that their dependencies demand.

The world is a directory: a resource is a file in it, whose name is its id. Each provider call is
a line in `calls`, at its begin and at its end.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from engine.rows import integrity_problems
from engine.state import Deployment, decode_deployment
from tests.conformance.test_golden import ENGINE

KILLS = 30
PROGRAM = """
import json, os, time, uuid
from pathlib import Path
import pulumi
from pulumi.dynamic import CreateResult, DiffResult, Resource, ResourceProvider, UpdateResult

HERE = Path(__file__).parent

def say(*words):
    with open(HERE / "calls", "a") as calls:
        calls.write(" ".join(words) + "\\n")

class InTheWorld(ResourceProvider):
    def create(self, props):
        say("create", "begin", props["name"])
        time.sleep(0.01)
        identifier = f"{props['name']}-{uuid.uuid4().hex[:6]}"
        (HERE / "world" / identifier).write_text(props["value"])
        time.sleep(0.01)
        say("create", "end", props["name"])
        return CreateResult(identifier, props)
    def diff(self, identifier, olds, news):
        kind = news["value"][0] != olds["value"][0]
        return DiffResult(changes=olds != news, replaces=["value"] if kind else [])
    def update(self, identifier, olds, news):
        (HERE / "world" / identifier).write_text(news["value"])
        return UpdateResult(news)
    def delete(self, identifier, props):
        say("delete", "begin", props["name"])
        (HERE / "world" / identifier).unlink(missing_ok=True)
        time.sleep(0.01)
        say("delete", "end", props["name"])

class Thing(Resource):
    def __init__(self, name, value, needs):
        props = {"name": name, "value": value, "password": pulumi.Output.secret("word-" + name)}
        super().__init__(InTheWorld(), name, props, pulumi.ResourceOptions(depends_on=needs))

made = {}
for name, (value, needs) in json.loads((HERE / "spec.json").read_text()).items():
    made[name] = Thing(name, value, [made[n] for n in needs])
"""
Spec = Mapping[str, tuple[str, list[str]]]


@dataclass
class World:
    directory: Path

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "PULUMI_BACKEND_URL": f"file://{self.directory}/state",
            "PULUMI_CONFIG_PASSPHRASE": "word",
            "PULUMI_PYTHON_CMD": sys.executable,
            "PULUMI_HOME": str(self.directory / "home"),
        }

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [str(ENGINE / "pulumi"), *arguments],
            cwd=self.directory,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def pulumi(self, *arguments: str) -> tuple[int, str]:
        with self.start(*arguments) as process:
            said = process.communicate(timeout=60)[0]
        return process.returncode, said

    def up(self, spec: Spec) -> None:
        (self.directory / "calls").write_text("")
        (self.directory / "spec.json").write_text(json.dumps(spec))
        code, said = self.pulumi("up", "--yes", "--skip-preview")
        assert code == 0, said

    @property
    def state_text(self) -> str:
        return (self.directory / "state/.pulumi/stacks/p/dev.json").read_text()

    @property
    def deployment(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.state_text)["checkpoint"]["latest"]
        return found

    @property
    def objects(self) -> set[str]:
        return {path.name for path in (self.directory / "world").iterdir()}

    @property
    def things(self) -> dict[str, dict[str, Any]]:
        """The rows of things by id."""
        rows = self.deployment.get("resources") or []
        return {row["id"]: row for row in rows if row["type"].endswith(":Resource")}

    def is_as(self, spec: Spec) -> None:
        """The state and the world hold what the spec says, and nothing else of the state's."""
        found = {row["inputs"]["name"]: row["inputs"]["value"] for row in self.things.values()}
        assert found == {name: value for name, (value, _) in spec.items()}
        for identifier, row in self.things.items():
            there = (self.directory / "world" / identifier).read_text()
            assert there == row["inputs"]["value"]

    def processes(self) -> list[str]:
        """What still runs of this world."""
        found = []
        for entry in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                line = entry.read_bytes().decode(errors="replace").replace("\0", " ")
            except OSError:
                continue
            if str(self.directory) in line:
                found.append(line)
        return found


@pytest.fixture
def world(tmp_path: Path) -> World:
    (tmp_path / "Pulumi.yaml").write_text("name: p\nruntime: python\n")
    (tmp_path / "__main__.py").write_text(PROGRAM)
    for name in ("state", "world", "home"):
        (tmp_path / name).mkdir()
    found = World(tmp_path)
    assert found.pulumi("stack", "init", "dev")[0] == 0
    return found


def random_spec(dice: random.Random) -> Spec:
    """Up to eight things, each of one of two kinds (another kind replaces it)."""
    names = dice.sample("abcdefghij", dice.randint(3, 8))
    return {
        name: (
            f"{dice.choice('XY')}{dice.randint(0, 2)}",
            dice.sample(names[:index], min(index, dice.randint(0, 2))),
        )
        for index, name in enumerate(names)
    }


def assert_whole(world: World) -> None:
    """The file can be read, every row stands after what it needs, no password is in clear."""
    assert "word-" not in world.state_text
    deployment = world.deployment

    class Sealed:
        provider = deployment.get("secrets_providers")
        encrypt = staticmethod(lambda text: text)
        decrypt = staticmethod(lambda _text: '""')

    snapshot, _ = decode_deployment(Deployment(3, deployment), Sealed)  # type: ignore[arg-type]
    assert integrity_problems(snapshot.rows) == []


def test_killed_at_any_moment_the_state_stays_whole_and_true(world: World) -> None:
    dice = random.Random(1)
    world.up(random_spec(dice))
    told: set[str] = set()  # names of things whose creation was under way when a run was killed
    locked = 0
    for moment in range(KILLS):
        (world.directory / "spec.json").write_text(json.dumps(random_spec(dice)))
        process = world.start("up", "--yes", "--skip-preview")
        time.sleep(0.25 + moment * 0.8 / KILLS)
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=20)
        assert_whole(world)
        if process.returncode == 0:
            continue
        pending = world.deployment.get("pending_operations") or []
        told |= {op["resource"]["inputs"]["name"] for op in pending}
        code, said = world.pulumi("up", "--yes", "--skip-preview")
        if code != 0:
            locked += 1
            assert "locked" in said, said
            assert str(process.pid) in said, said
            assert world.pulumi("cancel", "--yes")[0] == 0
    assert locked > KILLS / 3  # else the moments are ill chosen
    last = random_spec(dice)
    world.up(last)
    world.is_as(last)
    strays = world.objects - set(world.things)
    assert {stray.split("-")[0] for stray in strays} <= told
    assert not list((world.directory / "state/.pulumi").rglob("*.tmp"))
    deadline = time.monotonic() + 5
    while world.processes() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert world.processes() == []


def test_random_programs_are_done_in_the_order_of_their_dependencies(world: World) -> None:
    dice = random.Random(2)
    before: Spec = {}
    for _ in range(12):
        spec = random_spec(dice)
        world.up(spec)
        world.is_as(spec)
        assert world.objects == set(world.things)
        assert_ordered((world.directory / "calls").read_text().splitlines(), before, spec)
        before = spec
    code, said = world.pulumi("destroy", "--yes", "--skip-preview")
    assert code == 0, said
    assert world.objects == set()


def assert_ordered(calls: list[str], before: Spec, after: Spec) -> None:
    """Nothing is begun before what it needs is there; nothing goes before what needs it."""
    at = {line: index for index, line in enumerate(calls)}
    for name, (_, needs) in after.items():
        for needed in needs:
            if f"create begin {name}" in at and f"create end {needed}" in at:
                assert at[f"create end {needed}"] < at[f"create begin {name}"], calls
    for name, (_, needs) in before.items():
        for needed in needs:
            if f"delete begin {needed}" in at and f"delete end {name}" in at:
                assert at[f"delete end {name}"] < at[f"delete begin {needed}"], calls
