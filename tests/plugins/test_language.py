"""The language host: how programs end and what is said of it, and what a project may ask for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.plugins.cli import Project

TWO_PROVIDERS = """
import os
import pulumi
from pulumi.dynamic import CreateResult, Resource, ResourceProvider

class First(ResourceProvider):
    def create(self, props):
        return CreateResult("first", {"process": os.getpid(), "word": None})

class Second(ResourceProvider):
    def create(self, props):
        pulumi_config = props["word"].upper()
        return CreateResult("second", {"process": os.getpid(), "word": pulumi_config})

class Thing(Resource):
    process: pulumi.Output[int]
    word: pulumi.Output[str]

    def __init__(self, provider, name, **props):
        super().__init__(provider, name, {"process": None, "word": None, **props})

first, second = Thing(First(), "a"), Thing(Second(), "b", word="w")
pulumi.export("word", second.word)
pulumi.export("program", os.getpid())
pulumi.export("provider", first.process)
"""


def test_two_dynamic_providers_work_side_by_side(project: Project) -> None:
    project.program(TWO_PROVIDERS)
    done = project.run("up", "--yes")  # a preview and an update: two launchers of each kind
    assert done.code == 0, done.text
    outputs = project.rows()["test-dev"]["outputs"]
    assert outputs["word"] == "W"
    assert outputs["provider"] != outputs["program"]
    assert project.run("destroy", "--yes", "--skip-preview").code == 0


@pytest.mark.parametrize(
    ("program", "said"),
    [
        (
            "import pulumi\ndef f():\n    raise ValueError('why')\nf()\n",
            'File "{main}", line 4, in <module>\n        f()\n      File "{main}", line 3, in f\n',
        ),
        ("import pulumi\nraise pulumi.RunError('plain words')\n", "error: plain words\n"),
        ("import sys\nsys.exit(3)\n", "program exited with non-zero exit code: 3"),
        ("import sys\nsys.exit('last words')\n", "last words"),
        ("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n", "was ended by SIGKILL"),
        ("import no_such_module\n", "ModuleNotFoundError: No module named 'no_such_module'"),
    ],
)
def test_a_failing_program_is_told_in_its_own_words(
    program: str, said: str, project: Project
) -> None:
    project.program(program)
    done = project.run("preview")
    assert done.code == 1
    assert said.format(main=project.directory / "__main__.py") in done.text
    assert "plugins/" not in done.text.replace("plugins/bin", "")  # no frame of ours
    assert "runpy" not in done.text


def test_a_raising_program_is_told_once(project: Project) -> None:
    project.program("raise ValueError('why')\n")
    done = project.run("preview")
    assert done.text.count("ValueError: why") == 1
    assert "exit code" not in done.text


def test_a_project_without_a_program_is_told_so(project: Project) -> None:
    done = project.run("preview")
    assert done.code == 1
    assert f"unable to find main python program `__main__.py` in `{project.directory}`" in done.text


def test_a_program_ends_well_with_exit_code_0(project: Project) -> None:
    project.program("import sys\nprint('out')\nprint('err', file=sys.stderr)\nsys.exit(0)\n")
    done = project.run("preview")
    assert done.code == 0, done.text
    assert "out" in done.stdout
    assert "err" in done.stdout


def test_main_names_the_directory_of_the_program(tmp_path: Path) -> None:
    project = Project(tmp_path / "work", options="main: src/\n")
    folder = project.directory / "src"
    folder.mkdir()
    (folder / "words.py").write_text("WORD = 'below'\n")
    (folder / "plugins.py").write_text("MINE = 'mine'\n")
    (folder / "__main__.py").write_text(
        "import os, sys, pulumi, plugins, words\n"
        "pulumi.export('found', [words.WORD, plugins.MINE, os.getcwd(), sys.argv])\n"
    )
    assert project.up().code == 0
    found = project.rows()["test-dev"]["outputs"]["found"]
    assert found == ["below", "mine", str(folder), ["."]]


OTHER = """
import sys
import pulumi
from pulumi.dynamic import CreateResult, Resource, ResourceProvider

class Says(ResourceProvider):
    def create(self, props):
        return CreateResult("said", {"prefix": sys.prefix})

class Thing(Resource):
    prefix: pulumi.Output[str]

    def __init__(self):
        super().__init__(Says(), "a", {"prefix": None})

pulumi.export("prefixes", [sys.prefix, Thing().prefix])
"""


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """Another virtual environment, with the same packages."""
    place = tmp_path / "other venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", place], check=True)
    (packages,) = (Path(sys.prefix) / "lib").glob("python*/site-packages")
    (site,) = (place / "lib").glob("python*/site-packages")
    (site / "more.pth").write_text(f"{packages}\n")
    return place


def test_the_projects_virtual_environment_runs_program_and_providers(
    other: Path, tmp_path: Path
) -> None:
    options = f"runtime:\n  name: python\n  options:\n    virtualenv: {other}\n"
    project = Project(tmp_path / "work", options=options)
    project.program(OTHER)
    done = project.up()
    assert done.code == 0, done.text
    assert project.rows()["test-dev"]["outputs"]["prefixes"] == [str(other)] * 2
    about = project.run("about")
    assert f"executable='{other}/bin/python'" in about.stdout
    project.program("import sys\nsys.exit(3)\n")
    assert "non-zero exit code: 3" in project.run("preview").text


def test_pulumi_python_cmd_names_the_python(other: Path, project: Project) -> None:
    project.program(OTHER)
    done = project.up(PULUMI_PYTHON_CMD=f"{other}/bin/python")
    assert done.code == 0, done.text
    assert project.rows()["test-dev"]["outputs"]["prefixes"] == [str(other)] * 2


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("virtualenv: nowhere", 'nowhere", which does not exist. Run: pulumi install'),
        ("toolchain: poetry", "toolchain: poetry in Pulumi.yaml is not supported"),
        ("typechecker: pyre", "unsupported typechecker option: pyre"),
        ("virtualenv: [a]", "virtualenv option must be a string"),
    ],
)
def test_a_runtime_option_that_cannot_be_followed_is_named(
    options: str, said: str, tmp_path: Path
) -> None:
    runtime = f"runtime:\n  name: python\n  options:\n    {options}\n"
    project = Project(tmp_path / "work", options=runtime)
    project.program("import pulumi\n")
    done = project.run("preview")
    assert done.code != 0
    assert said in done.text


def test_a_type_checker_stops_a_wrong_program(tmp_path: Path) -> None:
    runtime = "runtime:\n  name: python\n  options:\n    typechecker: mypy\n"
    project = Project(tmp_path / "work", options=runtime)
    project.program("x: int = 'text'\n")
    done = project.run("preview")
    assert done.code != 0
    assert "mypy failed: exit status 1" in done.text
    assert "Incompatible types in assignment" in done.text


def test_install_makes_the_virtual_environment(tmp_path: Path) -> None:
    runtime = "runtime:\n  name: python\n  options:\n    virtualenv: venv\n"
    project = Project(tmp_path / "work", options=runtime)
    (project.directory / "requirements.txt").write_text("")
    done = project.run("install")
    assert done.code == 0, done.text
    assert (project.directory / "venv/bin/python").exists()
    assert "Finished installing dependencies" in done.text
    (project.directory / "requirements.txt").write_text("/no/such/package\n")
    failed = project.run("install")
    assert failed.code != 0
    assert "pip install -r requirements.txt failed with exit code 1" in failed.text


def test_what_is_not_supported_is_refused_by_name(project: Project) -> None:
    project.program("import pulumi\n")
    (project.work / "policy").mkdir()
    (project.work / "policy/PulumiPolicy.yaml").write_text("runtime: python\n")
    done = project.run("preview", "--policy-pack", str(project.work / "policy"))
    assert done.code != 0
    assert "running a plugin or policy pack written in Python" in done.text
    assert "is not supported by this language host" in done.text


def test_about_and_plugin_ls_know_the_project(project: Project) -> None:
    project.program("import pulumi\n")
    about = project.run("about")
    assert about.code == 0, about.text
    assert f"executable='{sys.executable}'" in about.stdout
    assert "pulumi-docker" in about.stdout
    assert "warning: Failed" not in about.text
    assert project.run("plugin", "ls", "--project").code == 0


def test_debug_messages_are_shown_where_the_cli_is_asked_for_them(project: Project) -> None:
    project.program("import pulumi\npulumi.log.debug('some detail')\n")
    assert "some detail" not in project.run("preview").text
    assert "some detail" in project.run("preview", "--debug").text


def test_the_state_says_where_the_program_made_a_resource_and_nothing_of_this_machine(
    project: Project,
) -> None:
    (project.directory / "parts.py").write_text(
        "import pulumi\n\nclass Part(pulumi.ComponentResource):\n"
        "    def __init__(self, name):\n        super().__init__('test:index:Part', name)\n"
    )
    project.program("import parts\n\nparts.Part('a')\n")
    assert project.up().code == 0
    part = project.rows()["a"]
    assert part["sourcePosition"] == "project:///__main__.py#3"
    assert "stackTrace" not in part


def test_an_output_that_fails_ends_the_run_though_another_never_comes(project: Project) -> None:
    project.program(
        "import asyncio\nimport pulumi\n"
        "pulumi.Output.from_input(asyncio.get_event_loop().create_future())\n"
        "pulumi.Output.from_input(1).apply(lambda one: one / 0)\n"
    )
    done = project.run("preview")
    assert done.code != 0
    assert "ZeroDivisionError: division by zero" in done.text


TOGETHER = """
import pulumi, time
from pathlib import Path
from pulumi.dynamic import CreateResult, Resource, ResourceProvider

class Meeting(ResourceProvider):
    def create(self, props):
        Path(props["name"]).touch()
        deadline = time.monotonic() + 20
        while len(list(Path().glob("guest-*"))) < 6:
            if time.monotonic() > deadline:
                raise TimeoutError("not all came")
            time.sleep(0.05)
        return CreateResult(props["name"], {})

class Guest(Resource):
    pass

for number in range(6):
    Guest(Meeting(), f"guest-{number}", {"name": f"guest-{number}"})
"""


def test_more_than_four_calls_of_a_dynamic_provider_run_side_by_side(project: Project) -> None:
    project.program(TOGETHER)
    done = project.run("up", "--yes", "--skip-preview", "--parallel", "8")
    assert done.code == 0, done.text
