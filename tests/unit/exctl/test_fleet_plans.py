"""Rollouts over stacks that want approvals: a plan for each, signed by others, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from exctl.errors import ExctlError, NothingTouched
from exctl.fleet import conduct, file, plans, rollout
from exctl.fleet.conduct import How
from exctl.runs import approval
from exctl.site import StackPlace, open_site, site_at
from tests.unit.exctl.fleets import NEW, FleetProject
from tests.unit.exctl.signers import PROTECT, make_signers
from tests.unit.stack_file import CLONE

UPDATE = ("update", "excp", "--tag", NEW)
FLEET = "waves: [{name: first, stacks: [a]}, {name: rest, stacks: [b, c]}]"
PLANNER = """
import sys
from pathlib import Path
from exctl.runs import changes, saving
from exctl.site import open_site

words = sys.argv[1:]
given = lambda name: words[words.index(name) + 1]
site = open_site(given("--stack"))
command = ("up",) if "--tag" not in words else changes.update_words(words[1], None, given("--tag"))
if (site.project / "planner-fails").exists():
    sys.exit("exctl: the hosts are away")
saved = saving.saved_now(site, [], given("-m"), command)
saving.keep(site, saved, Path(given("--out")), Path(given("--key")))
print("\\n".join(saved.described()))
print("next: approve it")
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FleetProject:
    """Three stacks, of which b and c want one approval."""
    monkeypatch.setenv("PYTHONPATH", str(CLONE))
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "x")
    found = FleetProject(tmp_path, ["a", "b", "c"])
    found.fleet(FLEET)
    make_signers(tmp_path, ("ann", "bob"))
    for stack in "bc":
        path = tmp_path / f"Pulumi.{stack}.yaml"
        path.write_text(path.read_text() + PROTECT)
    (tmp_path / "planner.py").write_text(PLANNER)
    monkeypatch.chdir(tmp_path)
    return found


def save(
    project: FleetProject,
    command: tuple[str, ...] = UPDATE,
    out: str = "plans",
    only: tuple[str, ...] = (),
) -> list[plans.Made]:
    options = ("-m", "CHG-1", "--key", str(project.directory / "ann"))
    program = (project.command[0], str(project.directory / "planner.py"))
    fleet = file.read(project.directory)
    directory = project.directory / out
    return plans.save(project.directory, fleet, command, only, directory, options, program)


def approve(project: FleetProject, stack: str, out: str = "plans") -> None:
    path = plans.path_of(project.directory / out, stack)
    approval.sign(open_site(stack), path, project.directory / "bob")


def how(project: FleetProject, out: str = "plans") -> How:
    plans_of = str(project.directory / out) if out else ""
    return How(yes=True, program=project.command, plans=plans_of)


def test_each_stack_that_wants_approvals_gets_a_plan_and_runs_that(project: FleetProject) -> None:
    found = save(project)
    assert [made.stack for made in found] == ["b", "c"]
    assert "why: CHG-1" in found[0].said
    assert "next" not in found[0].said
    for stack in "bc":
        approve(project, stack)
    conduct.begin(project.directory, UPDATE, how(project))
    words = {row["words"][row["words"].index("--stack") + 1]: row["words"]
             for row in project.rows("began.txt")}  # fmt: skip
    assert "--plan" not in words["a"]
    for stack in "bc":
        given = words[stack]
        assert given[: len(UPDATE)] == [*UPDATE]
        assert given[given.index("--plan") + 1] == str(project.directory / f"plans/{stack}.json")


def test_without_every_plan_and_approval_nothing_begins(project: FleetProject) -> None:
    def refused(out: str = "plans", command: tuple[str, ...] = UPDATE) -> str:
        with pytest.raises(NothingTouched) as error:
            conduct.begin(project.directory, command, how(project, out))
        assert project.began == []
        assert rollout.last(project.directory) is None
        return str(error.value)

    without = refused("")
    for stack in "bc":
        assert f"the stack {stack} deploys only approved plans" in without
    assert f"exctl fleet plan excp --tag {NEW} --out DIR" in without
    assert "plans has no plan for it: there is no file b.json" in refused()
    save(project)
    approve(project, "b")
    assert "c.json is signed by ann@example.com; the stack c needs 1 more signature" in refused()
    approve(project, "c")
    assert f"a plan of: exctl update excp --tag {NEW}; this is: exctl up" in refused(
        command=("up",)
    )
    assert "exctl secret set redisPassword --stack b" in refused(
        command=("rotate", "redisPassword")
    )


def test_a_plan_that_no_longer_holds_is_found_before_the_first_wave(project: FleetProject) -> None:
    save(project, ("up",))
    for stack in "bc":
        approve(project, stack)
    edit = project.directory / "Pulumi.c.yaml"
    edit.write_text(edit.read_text() + "# later\n")
    with pytest.raises(NothingTouched, match=r"c\.json no longer matches .*\n  the stack file was"):
        conduct.begin(project.directory, ("up",), how(project))
    assert project.began == []


def test_a_resumed_rollout_takes_new_plans_for_what_is_left(project: FleetProject) -> None:
    save(project)
    for stack in "bc":
        approve(project, stack)
    project.behave({"c": {"ends": "failed"}})
    with pytest.raises(ExctlError, match="stopped at wave rest"):
        conduct.begin(project.directory, UPDATE, how(project))
    project.behave({})
    text = (project.directory / "Pulumi.c.yaml").read_text()
    (project.directory / "Pulumi.c.yaml").write_text(text.replace(NEW, "100.0.100.11"))
    save(project, out="again", only=("c",))
    approve(project, "c", "again")
    conduct.resume(project.directory, UPDATE, how(project, "again"))
    assert project.began == ["a", "b", "c", "c"]
    assert str(project.directory / "again/c.json") in project.rows("began.txt")[-1]["words"]


def test_ways_out_of_trouble_need_no_plan(project: FleetProject) -> None:
    conduct.begin(project.directory, ("restart", "excp"), how(project, ""))
    assert project.began == ["a", "b", "c"]


def test_a_stack_whose_plan_cant_be_made_holds_up_no_other(project: FleetProject) -> None:
    (project.directory / "plans").mkdir()
    (project.directory / "plans/b.json").write_text("{}")
    found = save(project)
    assert "already exists" in found[0].failure
    assert found[1].failure == ""
    (project.directory / "planner-fails").touch()
    assert [made.failure for made in save(project, out="other")] == ["the hosts are away"] * 2


def test_where_no_stack_wants_approvals_no_plan_is_made(project: FleetProject) -> None:
    with pytest.raises(NothingTouched, match="no plan is needed"):
        save(project, only=("a",))
    assert not (project.directory / "plans").exists()
    place = StackPlace(project.directory, "a")
    assert not site_at(place, place.file).config.protect.approvals
