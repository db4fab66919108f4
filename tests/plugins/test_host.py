"""How the plugin host begins and ends: one a run, nothing left, and a sentence when it fails."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.plugins.cli import CLONE, PLUGINS, Project, pulumi
from tests.plugins.processes import wait_until, with_variable

WAITS = """
import pathlib, time
import pulumi
from pulumi.dynamic import CreateResult, Resource, ResourceProvider

class Slow(ResourceProvider):
    def create(self, props):
        mark = pathlib.Path(props["mark"])
        mark.touch()
        while not mark.with_name("go").exists():
            time.sleep(0.05)
        return CreateResult("slow", props)

class Thing(Resource):
    def __init__(self, name, **props):
        super().__init__(Slow(), name, props)

Thing("a", mark=str(pathlib.Path("mark").absolute()))
"""
SAYS_HOST = """
import os
import pulumi
parent = os.getppid()
pulumi.export("zygote", parent)
"""


def left_by(project: Project) -> tuple[dict[int, str], list[str]]:
    """Processes and files of this project's runs."""
    temporary = project.variables["TMPDIR"]
    return with_variable("TMPDIR", temporary), [p.name for p in Path(temporary).iterdir()]


def host_of(project: Project) -> int:
    """The host's process: the first of those that it has forked from."""
    commands = with_variable("TMPDIR", project.variables["TMPDIR"])
    return min(process for process, command in commands.items() if f"{CLONE}/plugins " in command)


def test_nothing_is_left_after_a_run(project: Project) -> None:
    project.program("import pulumi\npulumi.export('a', 1)\n")
    done = project.up()
    assert done.code == 0, done.text
    wait_until(lambda: left_by(project) == ({}, []), f"nothing left: {left_by(project)}")


def test_nothing_is_left_when_the_cli_is_killed(project: Project) -> None:
    project.program(WAITS)
    run = project.start("up", "--yes", "--skip-preview")
    wait_until((project.directory / "mark").exists, "the resource is being created")
    assert len(left_by(project)[0]) > 4
    run.kill()
    run.communicate()
    wait_until(lambda: left_by(project) == ({}, []), "nothing left")


def test_two_runs_at_once_have_a_host_each(tmp_path: Path) -> None:
    (tmp_path / "t").mkdir()
    projects = [Project(tmp_path / n, variables={"TMPDIR": str(tmp_path / "t")}) for n in "ab"]
    for project in projects:
        project.program(SAYS_HOST)
    runs = [project.start("up", "--yes", "--skip-preview") for project in projects]
    assert [run.wait() for run in runs] == [0, 0]
    zygotes = [p.rows()["test-dev"]["outputs"]["zygote"] for p in projects]
    assert zygotes[0] != zygotes[1]
    for run in runs:
        run.communicate()


def begun_ahead(project: Project, then: str) -> subprocess.Popen[bytes]:
    """A process that has its host begun, waits for the file `go`, and becomes what `then` says."""
    wait = "while [ ! -e go ]; do sleep 0.05; done"
    return subprocess.Popen(
        ["sh", "-c", f'"$1" --begin $$ && {wait}; {then}', pulumi(), PLUGINS / "launcher"],
        cwd=project.directory,
        env=project.environment,
    )


def test_a_host_begun_ahead_of_the_first_plugin_serves_the_run(project: Project) -> None:
    project.program(
        "import os, pathlib, pulumi\n"
        "zygote = pathlib.Path('/proc', str(os.getppid()), 'stat').read_text()\n"
        "pulumi.export('host', int(zygote.rpartition(')')[2].split()[1]))\n"
    )
    run = begun_ahead(project, 'exec "$0" up --yes --skip-preview --non-interactive')
    wait_until(lambda: f"{CLONE}/plugins " in str(left_by(project)[0]), "the host has begun")
    host = host_of(project)
    (project.directory / "go").touch()
    assert run.wait(timeout=60) == 0
    assert project.rows()["test-dev"]["outputs"]["host"] == host
    wait_until(lambda: left_by(project) == ({}, []), "nothing left")


def test_a_host_begun_ahead_of_a_cli_that_starts_no_plugin_ends_with_it(project: Project) -> None:
    (project.directory / "go").touch()
    assert begun_ahead(project, "exit 3").wait(timeout=60) == 3
    wait_until(lambda: left_by(project) == ({}, []), f"nothing left: {left_by(project)}")


def test_a_terminals_interrupt_leaves_the_host_alone(project: Project) -> None:
    project.program(WAITS)
    run = project.start("up", "--yes", "--skip-preview")
    wait_until((project.directory / "mark").exists, "the resource is being created")
    host = host_of(project)
    assert os.getpgid(host) != os.getpgid(run.pid)
    os.kill(host, signal.SIGINT)
    (project.directory / "go").touch()
    stdout, stderr = run.communicate(timeout=60)
    assert run.returncode == 0, stdout + stderr


def test_an_interrupt_of_a_program_that_has_ended_says_nothing(project: Project) -> None:
    project.program(
        "import atexit, os, signal\natexit.register(os.kill, os.getpid(), signal.SIGINT)\n"
    )
    done = project.up()
    assert done.code == 0
    assert "Traceback" not in done.text


def test_a_background_job_which_ignores_interrupts_ends_no_later(project: Project) -> None:
    project.program("import pulumi\npulumi.export('a', 1)\n")

    def seconds(ignored: str) -> float:
        began = time.monotonic()
        subprocess.run(
            ["sh", "-c", f'{ignored} exec "$0" preview --non-interactive', str(pulumi())],
            cwd=project.directory,
            env=project.environment,
            check=True,
            capture_output=True,
        )
        return time.monotonic() - began

    assert seconds("trap '' INT;") < seconds("") + 3  # the CLI waits 5 s for what doesn't end


def test_a_host_that_dies_is_named_with_its_log(project: Project) -> None:
    project.program(WAITS)
    run = project.start("up", "--yes", "--skip-preview")
    wait_until((project.directory / "mark").exists, "the resource is being created")
    os.kill(host_of(project), signal.SIGKILL)
    stdout, stderr = run.communicate(timeout=60)
    assert run.returncode != 0
    said = re.search(
        r"the plugin host ended unexpectedly \(exit status 137\)\. What it said is in (.*)/log",
        stdout + stderr,
    )
    assert said is not None, stdout + stderr
    assert [path.name for path in Path(said[1]).iterdir() if path.name != "ended"] == ["log"]
    wait_until(lambda: not left_by(project)[0], "no process left")


def test_proxies_of_the_operators_shell_do_no_harm(project: Project) -> None:
    project.program(f"{WAITS}\nimport os\npulumi.export('seen', os.environ['http_proxy'])\n")
    (project.directory / "go").touch()
    nowhere = "http://127.0.0.1:9"
    proxies = dict.fromkeys(("http_proxy", "https_proxy", "grpc_proxy", "HTTP_PROXY"), nowhere)
    done = project.up(**proxies)
    assert done.code == 0, done.text
    rows = project.rows()
    assert rows["test-dev"]["outputs"] == {"seen": nowhere}
    assert rows["a"]["id"] == "slow"


def test_no_secret_is_on_a_command_line(project: Project) -> None:
    assert project.run("config", "set", "--secret", "word", "s3cr3t-value").code == 0
    project.program(WAITS)
    run = project.start("up", "--yes", "--skip-preview")
    wait_until((project.directory / "mark").exists, "the resource is being created")
    commands = with_variable("TMPDIR", project.variables["TMPDIR"])
    assert len(commands) > 4
    assert "s3cr3t-value" not in str(commands)
    run.kill()
    run.communicate()


@pytest.mark.parametrize("shell", ["dash", "bash"])
def test_a_clone_without_its_environment_is_named(shell: str, tmp_path: Path) -> None:
    clone = tmp_path / "a clone"
    shutil.copytree(PLUGINS, clone / "plugins/bin", symlinks=True)
    link = tmp_path / "pulumi-resource-docker"
    link.symlink_to(clone / "plugins/bin/pulumi-resource-docker")
    done = subprocess.run(
        [shell, str(link), "127.0.0.1:1"],
        env={"PATH": os.environ["PATH"], "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert done.stderr == (
        f"pulumi-resource-docker: {clone}/.venv is missing or incomplete, and the plugins run in"
        f" it. Run {clone}/scripts/setup\n"
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == [clone.name, link.name]


def test_a_plugin_started_by_hand_says_what_it_is() -> None:
    done = subprocess.run(
        [PLUGINS / "pulumi-language-python"], capture_output=True, text=True, cwd=CLONE
    )
    assert done.returncode == 1
    assert "this is a plugin of Pulumi. The CLI starts it" in done.stderr


def test_a_temporary_directory_that_is_not_there_is_named(project: Project) -> None:
    project.program("")
    done = project.run("preview", TMPDIR="/no/such/place")
    assert done.code != 0
    assert "cannot make the directory /no/such/place/" in done.text
