"""A replacement never costs the old container for a create that Docker refuses."""

from __future__ import annotations

import os
import signal
import socket
import time
from pathlib import Path

import pytest

from tests.plugins.cli import Done, Project
from tests.plugins.daemon import Daemon

pytestmark = pytest.mark.docker
PROGRAM = """
import pulumi, pulumi_docker as docker
host = docker.Provider("host", host="{address}")
on_host = pulumi.ResourceOptions(provider=host)
docker.Container("c", image="golden:1", name="{name}", command=["sleep", "1000"],
    destroy_grace_seconds=1, {more} opts=on_host)
"""


class Story:
    """A project with one container on the daemon."""

    def __init__(self, work: Path, daemon: Daemon) -> None:
        self.project = Project(work / "p")
        self.daemon = daemon

    def up(self, more: str = "", name: str = "thing", *words: str) -> Done:
        self.write(more, name)
        return self.project.up(*words)

    def write(self, more: str = "", name: str = "thing") -> None:
        address = self.daemon.address
        self.project.program(PROGRAM.format(address=address, name=name, more=more))

    def identifier_in_state(self, row: str = "c") -> str:
        return str(self.project.rows()[row]["id"])


@pytest.fixture
def story(tmp_path: Path, clean_daemon: Daemon) -> Story:
    found = Story(tmp_path, clean_daemon)
    assert found.up().code == 0
    return found


REFUSED = {
    "more cores than the host has": ('cpus="1000",', "Range of CPUs"),
    "a mount onto the root": (
        'volumes=[docker.ContainerVolumeArgs(host_path="/tmp", container_path="/")],',
        "destination can't be '/'",
    ),
    "a mount from nowhere": (
        'mounts=[docker.ContainerMountArgs(type="bind", source="/no/such", target="/x")],',
        "bind source path does not exist",
    ),
    "a network that isn't there": (
        'networks_advanced=[docker.ContainerNetworksAdvancedArgs(name="nowhere")],',
        "network nowhere not found",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_docker_refuses_costs_nothing(what: str, story: Story) -> None:
    more, words = REFUSED[what]
    before = story.daemon.identifier("thing")

    done = story.up(more)

    assert done.code != 0
    assert words in done.text, done.text
    assert "the old container was not touched" in done.text, done.text
    assert story.daemon.is_running("thing")
    assert story.daemon.identifier("thing") == before == story.identifier_in_state()
    assert story.daemon.names() == ["thing"]
    back = story.up()  # the way back is a plain `up`
    assert back.code == 0, back.text
    assert story.daemon.identifier("thing") == before


def test_a_name_that_is_taken_costs_nothing(story: Story) -> None:
    before = story.daemon.identifier("thing")
    story.daemon.docker("run", "-d", "--name", "other", "golden:1")

    done = story.up(name="other")

    assert done.code != 0
    assert "container other: one of this name is there already" in done.text
    assert story.daemon.is_running("thing")
    assert story.identifier_in_state() == before
    assert sorted(story.daemon.names()) == ["other", "thing"]


def test_a_replacement_that_docker_takes_is_one_container_under_its_own_name(story: Story) -> None:
    before = story.daemon.identifier("thing")

    done = story.up('envs=["A=1"],')

    assert done.code == 0, done.text
    assert story.daemon.names() == ["thing"]
    assert story.daemon.is_running("thing")
    assert story.daemon.identifier("thing") == story.identifier_in_state() != before
    assert story.project.run("preview", "--expect-no-changes").code == 0


def test_a_replacement_asked_for_by_hand_keeps_the_old_one_too(story: Story) -> None:
    before = story.daemon.identifier("thing")
    story.daemon.docker("image", "tag", "golden:1", "golden:moved")
    assert story.up('envs=["A=1"],').code == 0
    before = story.daemon.identifier("thing")

    done = story.up('envs=["A=1"],', "thing", "--replace", "**c")

    assert done.code != 0  # Pulumi makes the new one first then, and the name is taken
    assert story.daemon.is_running("thing")
    assert story.daemon.identifier("thing") == before == story.identifier_in_state()
    assert story.daemon.names() == ["thing"]


def test_what_a_killed_run_made_ready_is_cleared_away_by_the_next(story: Story) -> None:
    story.daemon.docker("create", "--name", "thing.pulumi-next", "golden:1")

    done = story.up('envs=["A=1"],')

    assert done.code == 0, done.text
    assert story.daemon.names() == ["thing"]


def test_a_run_killed_in_the_middle_of_a_replacement_is_gone_on_with(story: Story) -> None:
    """Killed while the old one is being stopped, which takes its time of grace."""
    stubborn = 'entrypoints=["sh", "-c", "trap : TERM; while :; do sleep 1; done"],'
    assert story.up(stubborn).code == 0
    story.write('envs=["A=1"],')
    run = story.project.start("up", "--yes", "--skip-preview")
    deadline = time.monotonic() + 60
    while "thing.pulumi-next" not in story.daemon.names():
        assert time.monotonic() < deadline
        assert run.poll() is None, run.communicate()
        time.sleep(0.02)
    os.killpg(run.pid, signal.SIGKILL)
    run.communicate()
    assert story.project.run("cancel", "--yes").code == 0

    done = story.project.up()

    assert done.code == 0, done.text
    assert story.daemon.names() == ["thing"]
    assert story.daemon.is_running("thing")
    assert story.daemon.identifier("thing") == story.identifier_in_state()


def test_a_destroy_prepares_nothing(story: Story) -> None:
    assert story.project.run("destroy", "--yes", "--skip-preview", "--refresh").code == 0
    assert story.daemon.names() == []


def test_a_container_that_does_not_start_is_noted_and_made_well_by_the_next_run(
    story: Story,
) -> None:
    done = story.up('entrypoints=["/no/such/program"],')

    assert done.code != 0
    assert "the container was made, but doesn't run as asked" in done.text
    assert story.daemon.names() == ["thing"]
    assert story.daemon.identifier("thing") == story.identifier_in_state()
    back = story.up('entrypoints=["sh", "-c", "sleep 1000"],')
    assert back.code == 0, back.text
    assert story.daemon.is_running("thing")


LABELLED = (
    'labels=[docker.ContainerLabelArgs(label="of", value="this stack")], memory=64, memory_swap=99,'
)


def _forget(story: Story) -> None:
    """The state as if the run had been killed before it came to note the container."""
    urn = story.project.rows()["c"]["urn"]
    assert story.project.run("state", "delete", urn, "--yes", "--force").code == 0


def test_what_a_killed_run_started_and_did_not_note_is_taken_as_it_is(story: Story) -> None:
    assert story.up(LABELLED).code == 0
    before = story.daemon.identifier("thing")
    _forget(story)

    done = story.up(LABELLED)

    assert done.code == 0, done.text
    assert story.daemon.identifier("thing") == before == story.identifier_in_state()
    assert story.project.run("preview", "--expect-no-changes").code == 0


def test_what_a_killed_run_made_and_did_not_start_is_made_again(story: Story) -> None:
    assert story.up(LABELLED + "start=False,").code == 0
    before = story.daemon.identifier("thing")
    _forget(story)

    done = story.up(LABELLED)

    assert done.code == 0, done.text
    assert story.daemon.identifier("thing") not in ("", before)
    assert story.daemon.is_running("thing")


@pytest.mark.parametrize("more", ["", LABELLED.replace("64", "65")])
def test_a_container_that_is_not_certainly_ours_is_left_alone(more: str, story: Story) -> None:
    assert story.up("" if not more else LABELLED).code == 0
    before = story.daemon.identifier("thing")
    _forget(story)

    done = story.up(more)

    assert done.code != 0
    assert "one of this name is there already" in done.text
    assert story.daemon.identifier("thing") == before
    assert story.daemon.is_running("thing")


def test_an_interrupt_ends_a_pull_at_once(tmp_path: Path, clean_daemon: Daemon) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # a registry that never answers
        project = Project(tmp_path / "p")
        image = f"127.0.0.1:{silent.getsockname()[1]}/x:1"
        project.program(
            "import pulumi, pulumi_docker as docker\n"
            f'host = docker.Provider("host", host="{clean_daemon.address}")\n'
            f'docker.RemoteImage("i", name="{image}", opts=pulumi.ResourceOptions(provider=host))\n'
        )
        run = project.start("up", "--yes", "--skip-preview")
        silent.settimeout(60)
        asked, _ = silent.accept()
        begun = time.monotonic()
        run.send_signal(signal.SIGINT)
        stdout, stderr = run.communicate(timeout=60)
        asked.close()
    assert run.returncode != 0
    assert time.monotonic() - begun < 20
    assert "ended, since the run was interrupted" in stdout + stderr
