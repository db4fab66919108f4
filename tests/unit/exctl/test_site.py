"""Which stack a command is about, and what is said when that isn't clear. No Pulumi runs here."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from exctl.errors import USAGE, NothingTouched
from exctl.site import find_project, open_site, read_stack_file, stacks_of
from tests.unit.stack_file import CLONE


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "Pulumi.yaml").write_text("name: exec\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PULUMI_STACK", raising=False)
    return tmp_path


def add_stack(project: Path, name: str) -> None:
    (project / f"Pulumi.{name}.yaml").write_text((CLONE / "Pulumi.dev.yaml").read_text())


def test_the_only_stack_need_not_be_named(project: Path) -> None:
    add_stack(project, "prod")
    add_stack(project, "example")
    assert open_site(None).stack == "prod"


def test_of_several_stacks_one_has_to_be_named(project: Path) -> None:
    add_stack(project, "one")
    add_stack(project, "two")
    with pytest.raises(NothingTouched) as error:
        open_site(None)
    assert str(error.value) == (
        f"say which stack: --stack NAME, or PULUMI_STACK; {project} has the stacks one, two."
    )
    assert error.value.code == USAGE


def test_an_unknown_stack_says_how_to_begin_one(project: Path) -> None:
    with pytest.raises(NothingTouched, match=r"exctl init --stack new"):
        open_site("new")


def test_a_project_is_found_from_below(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "docs").mkdir()
    monkeypatch.chdir(project / "docs")
    assert find_project() == project


def test_the_projects_files_are_found_from_below_it(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_stack(project, "prod")
    with (project / "Pulumi.prod.yaml").open("a") as file:
        file.write("  exec:preflight: {ca_path: ca.pem}\n")
        file.write("  exec:ssh: {key_path: keys/all, hosts: {10.77.0.101: {key_path: keys/one}}}\n")
    text = (project / "Pulumi.prod.yaml").read_text()
    kept = re.sub(r"^  exec:(ssh|preflight):\n(    .*\n)+", "", text, flags=re.MULTILINE)
    (project / "Pulumi.prod.yaml").write_text(kept)
    (project / "docs").mkdir()
    monkeypatch.chdir(project / "docs")
    config = open_site("prod").config
    assert Path.cwd() == project / "docs"
    assert config.preflight.ca_path == str(project / "ca.pem")
    assert config.ssh.at("10.77.0.101").key_path == str(project / "keys/one")
    assert config.ssh.at("10.77.0.102").key_path == str(project / "keys/all")
    assert config.ssh.known_hosts_path == "~/.ssh/known_hosts"


def test_the_example_is_no_stack(project: Path) -> None:
    add_stack(project, "example")
    assert stacks_of(project) == []


@pytest.mark.parametrize(
    ("text", "words"),
    [("config: [", "line 2, column 1: is not YAML"), ("name: x\n", "there is no section `config`")],
)
def test_a_file_that_is_none_is_refused(project: Path, text: str, words: str) -> None:
    path = project / "Pulumi.bad.yaml"
    path.write_text(text)
    with pytest.raises(NothingTouched, match=words):
        read_stack_file(path)


def test_every_problem_of_a_stack_file_is_shown_and_the_code_is_2(project: Path) -> None:
    add_stack(project, "prod")
    path = project / "Pulumi.prod.yaml"
    text = path.read_text().replace("100.0.100.11", "latest")
    path.write_text(text)
    with pytest.raises(NothingTouched) as error:
        open_site("prod")
    assert str(error.value).count("'latest' moves") == 3
