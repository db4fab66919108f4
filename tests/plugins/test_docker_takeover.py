"""A stack goes from our docker plugin to the official one and back, and nobody sees a change."""

from __future__ import annotations

import json
import re
import socket
from difflib import unified_diff
from pathlib import Path
from typing import Any

import pytest

from tests.plugins.cli import Project
from tests.plugins.daemon import Daemon
from tests.plugins.official import Sides

pytestmark = pytest.mark.docker
PLUGIN = "pulumi-resource-docker"
NEWER = "deviceCgroupRules"
"""A property that official plugins before 5.2 don't know."""
PRELUDE = """
import pulumi, pulumi_docker as docker
host = docker.Provider("host", host="tcp://127.0.0.1:2375")
on_host = pulumi.ResourceOptions(provider=host)
"""
SERVICE = (
    PRELUDE
    + """
image = docker.RemoteImage("image", name="golden:1", keep_locally=True, opts=on_host)
docker.Container("service", name="service", image=image.image_id, network_mode="host",
    envs=["ZONE=b", "AREA=a"], memory=64, memory_swap=128,
    cpus="0.5", restart="unless-stopped", destroy_grace_seconds=1, must_run=True, init=True,
    labels=[docker.ContainerLabelArgs(label=k, value=v) for k, v in (("b", "2"), ("a", "1"))],
    log_driver="json-file", log_opts={"max-size": "10m"}, user="0", working_dir="/tmp",
    volumes=[docker.ContainerVolumeArgs(host_path="/tmp", container_path="/logs", read_only=True),
             docker.ContainerVolumeArgs(host_path="/etc", container_path="/conf")],
    ulimits=[docker.ContainerUlimitArgs(name="nofile", soft=1024, hard=2048)],
    capabilities=docker.ContainerCapabilitiesArgs(adds=["CAP_NET_ADMIN"]),
    hosts=[docker.ContainerHostArgs(host="db", ip="10.0.0.9")], opts=on_host)
"""
)
REST = (
    PRELUDE
    + """
net = docker.Network("net", name="to-and-fro",
    options={"com.docker.network.bridge.enable_icc": "true"},
    ipam_configs=[docker.NetworkIpamConfigArgs(subnet="10.213.0.0/24", gateway="10.213.0.1")],
    labels=[docker.NetworkLabelArgs(label="a", value="b")], opts=on_host)
volume = docker.Volume("volume", labels=[docker.VolumeLabelArgs(label="a", value="b")],
    opts=on_host)
docker.Container("rest", image="golden:1", name="rest", command=["sleep", "1000"], start=True,
    entrypoints=["/bin/busybox"], destroy_grace_seconds=1, dns=["10.0.0.2", "10.0.0.1"],
    hostname="resty", shm_size=32, stop_timeout=3, stop_signal="SIGTERM",
    networks_advanced=[docker.ContainerNetworksAdvancedArgs(name=net.name, aliases=["x"],
                                                            ipv4_address="10.213.0.7")],
    ports=[docker.ContainerPortArgs(internal=80, external=18080),
           docker.ContainerPortArgs(internal=81, external=18081)],
    mounts=[docker.ContainerMountArgs(type="volume", source=volume.name, target="/v"),
            docker.ContainerMountArgs(type="bind", source="/tmp", target="/mnt", read_only=True),
            docker.ContainerMountArgs(type="tmpfs", target="/t",
                tmpfs_options=docker.ContainerMountTmpfsOptionsArgs(size_bytes=65536))],
    tmpfs={"/run": "rw,size=64k"}, sysctls={"net.ipv4.ip_forward": "1"}, group_adds=["9", "8"],
    healthcheck=docker.ContainerHealthcheckArgs(tests=["CMD", "/bin/true"], interval="1m30s",
                                                retries=2),
    uploads=[docker.ContainerUploadArgs(file="/greeting", content="hello", executable=True)],
    devices=[docker.ContainerDeviceArgs(host_path="/dev/null", container_path="/dev/nothing")],
    security_opts=["no-new-privileges"], opts=on_host)
docker.Container("bare", image="golden:1", must_run=False, start=False, opts=on_host)
"""
)
PROGRAMS = {"service": SERVICE, "rest": REST}


def _unchanged(project: Project, *words: str) -> None:
    done = project.run("preview", "--expect-no-changes", "--diff", *words)
    assert done.code == 0, done.text


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_stack_of_ours_is_theirs_and_ours_again(
    program: str, clean_daemon: Daemon, tmp_path: Path
) -> None:
    sides = Sides(tmp_path / "p", PLUGIN)
    sides.project.program(PROGRAMS[program])
    done = sides.ours().up()
    assert done.code == 0, done.text
    _unchanged(sides.ours())
    _unchanged(sides.theirs())
    refreshed = sides.theirs().run("refresh", "--yes", "--skip-preview")
    assert refreshed.code == 0, refreshed.text
    _unchanged(sides.theirs())
    _unchanged(sides.ours())
    again = sides.theirs().up()
    assert again.code == 0, again.text
    _unchanged(sides.ours())
    assert sides.ours().run("destroy", "--yes", "--skip-preview").code == 0
    assert clean_daemon.names() == []


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_stack_of_theirs_is_ours_and_theirs_again(
    program: str, clean_daemon: Daemon, tmp_path: Path
) -> None:
    sides = Sides(tmp_path / "p", PLUGIN)
    sides.project.program(PROGRAMS[program])
    done = sides.theirs().up()
    assert done.code == 0, done.text
    _unchanged(sides.ours())
    refreshed = sides.ours().run("refresh", "--yes", "--skip-preview")
    assert refreshed.code == 0, refreshed.text
    _unchanged(sides.ours())
    _unchanged(sides.theirs())
    sides.project.program(
        PROGRAMS[program].replace("destroy_grace_seconds=1", "destroy_grace_seconds=2")
    )
    changed = sides.ours().up()
    assert changed.code == 0, changed.text
    _unchanged(sides.theirs())
    assert sides.theirs().run("destroy", "--yes", "--skip-preview").code == 0
    assert clean_daemon.names() == []


@pytest.mark.parametrize("program", PROGRAMS)
def test_both_write_the_same_state(program: str, clean_daemon: Daemon, tmp_path: Path) -> None:
    sides = Sides(tmp_path / "p", PLUGIN)
    sides.project.program(PROGRAMS[program])
    states = []
    for project in (sides.theirs, sides.ours):
        done = project().up()
        assert done.code == 0, done.text
        made = _written(project(), ("inputs", "outputs"))
        assert project().run("refresh", "--yes", "--skip-preview").code == 0
        states.append((made, _written(project(), ("outputs",))))
        gone = project().run("destroy", "--yes", "--skip-preview")
        assert gone.code == 0, gone.text
    for theirs, ours in zip(*states, strict=True):
        before, after = (
            json.dumps(side, indent=1, sort_keys=True).splitlines() for side in (theirs, ours)
        )
        difference = "\n".join(unified_diff(before, after, "theirs", "ours", lineterm="", n=4))
        assert difference == "", difference


def _written(project: Project, parts: tuple[str, ...]) -> dict[str, Any]:
    """The docker rows, without what differs from one making to the next."""
    found = {}
    for name, row in project.rows().items():
        if row["type"].startswith("docker:"):
            text = json.dumps({part: _without_newer(row.get(part)) for part in parts})
            text = text.replace(row["id"], "ID").replace(row["id"][:12], "ID")
            text = re.sub(r"(bare|volume)-[0-9a-f]{7}", "NAME", text)
            text = re.sub(r"02:42(:[0-9a-f]{2}){4}", "MAC", text)
            found[name] = json.loads(text.replace(socket.gethostname(), "HOST"))
    return found


def _without_newer(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_newer(item) for key, item in value.items() if key != NEWER}
    return value
