"""Saved plans: what is in them, whose signatures count, and when one is no longer the plan."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from exctl.__main__ import main
from exctl.errors import NothingTouched
from exctl.runs import approval, changes, saved_plan, saving
from exctl.runs.plan import Touch
from exctl.site import Site, open_site
from tests.unit.exctl.signers import PROTECT, make_signers
from tests.unit.stack_file import CLONE

STACK = "prod"
TOUCH = Touch("exas", "10.77.0.102", "replace", ("health",), "down for about 4 s", lane="exas")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    """A stack that wants one approval, with the keys of ann, bob and eve; eve's isn't allowed."""
    (tmp_path / "Pulumi.yaml").write_text("name: exec\n")
    text = (CLONE / "Pulumi.dev.yaml").read_text()
    (tmp_path / f"Pulumi.{STACK}.yaml").write_text(text + PROTECT)
    make_signers(tmp_path, ("ann", "bob"), ("eve",))
    monkeypatch.chdir(tmp_path)
    return open_site(STACK)


def kept(site: Site, planned: list[Touch] | None = None, program: str = "") -> Path:
    path = site.project / "plan.json"
    saved = saving.saved_now(site, [TOUCH] if planned is None else planned, "ticket 7")
    saved = replace(saved, program=program or saved.program)
    saving.keep(site, saved, path, site.project / "ann")
    return path


def test_a_plan_is_read_as_it_was_saved_and_shows_what_it_does(site: Site) -> None:
    path = kept(site)
    saved = saved_plan.read(path)
    assert saved == replace(saving.saved_now(site, [TOUCH], "ticket 7"), made_at=saved.made_at)
    shown = "\n".join(saved.described())
    assert "why: ticket 7" in shown
    assert "exas on 10.77.0.102: replace" in shown
    assert approval.signed_by(site, path) == ("ann@example.com",)


def test_whoever_made_it_is_not_another_person(site: Site) -> None:
    path = kept(site)
    with pytest.raises(NothingTouched, match=r"ann@example\.com has signed .* already"):
        approval.sign(site, path, site.project / "ann")
    with pytest.raises(NothingTouched, match="1 more signature, by other people: exctl approve"):
        saving.refuse_if_changed(site, path, [TOUCH])
    assert approval.sign(site, path, site.project / "bob") == "bob@example.com"
    saving.refuse_if_changed(site, path, [TOUCH])
    assert approval.require(site, path) == ("ann@example.com", "bob@example.com")


def test_a_key_in_nobodys_name_signs_nothing(site: Site) -> None:
    path = kept(site)
    before = (site.project / "plan.json.sigs").read_text()
    with pytest.raises(NothingTouched, match="eve belongs to nobody"):
        approval.sign(site, path, site.project / "eve")
    with pytest.raises(NothingTouched, match="none can't sign"):
        approval.sign(site, path, site.project / "none")
    assert (site.project / "plan.json.sigs").read_text() == before


def test_a_plan_that_was_changed_has_no_signature(site: Site) -> None:
    path = kept(site)
    approval.sign(site, path, site.project / "bob")
    path.write_text(path.read_text().replace("ticket 7", "ticket 8"))
    assert approval.signed_by(site, path) == ()
    with pytest.raises(NothingTouched, match="is signed by nobody"):
        approval.require(site, path)


def test_a_signature_of_another_kind_of_text_doesnt_count(site: Site) -> None:
    path = kept(site)
    words = ["ssh-keygen", "-Y", "sign", "-f", "bob", "-n", "file"]
    made = subprocess.run(words, input=path.read_bytes(), capture_output=True, check=True).stdout
    with (site.project / "plan.json.sigs").open("ab") as file:
        file.write(made)
    assert approval.signed_by(site, path) == ("ann@example.com",)


def test_what_is_no_longer_as_it_was_is_all_named(site: Site) -> None:
    path = kept(site)
    approval.sign(site, path, site.project / "bob")
    site.file.write_text(site.file.read_text() + "# later\n")
    other = replace(TOUCH, instance="excs", host="10.77.0.101")
    with pytest.raises(NothingTouched) as refused:
        saving.refuse_if_changed(site, path, [other])
    for line in (
        "the stack file was changed",
        "no longer planned: exas on 10.77.0.102: replace",
        "not in the plan: excs on 10.77.0.101: replace",
        f"exctl plan --out FILE --stack {STACK}",
    ):
        assert line in str(refused.value)


def test_another_program_is_another_plan_and_a_commit_of_a_stack_file_is_not(
    site: Site,
) -> None:
    path = kept(site, program="earlier")
    approval.sign(site, path, site.project / "bob")
    saving.refuse_if_changed(site, path, [TOUCH])
    (site.project / "__main__.py").write_text("# the project's own program\n")
    with pytest.raises(
        NothingTouched,
        match=r"the program has changed: it was earlier and is"
        r" now ",
    ):
        saving.refuse_if_changed(site, path, [TOUCH])


def test_a_plan_of_an_update_is_held_against_the_text_that_the_update_makes(site: Site) -> None:
    words = changes.update_words("exas", None, "2")
    wanted, path = site.project / "wanted.yaml", site.project / "plan.json"
    wanted.write_text(changes.updated_text(site, site.layout.of("exas"), "2"))
    saved = saving.saved_now(site, [TOUCH], "", words, wanted)
    saving.keep(site, saved, path, site.project / "ann")
    approval.sign(site, path, site.project / "bob")
    assert "of: exctl update exas --tag 2" in "\n".join(saved_plan.read(path).described())
    saving.refuse_unready(site, path, words)
    saving.refuse_if_changed(site, path, [TOUCH], wanted)
    with pytest.raises(NothingTouched, match="the stack file was changed"):
        saving.refuse_if_changed(site, path, [TOUCH])
    with pytest.raises(NothingTouched, match="a plan of: exctl update exas --tag 2; this is: exc"):
        saving.refuse_unready(site, path, saving.UP)


def test_several_plans_are_approved_with_one_question(site: Site) -> None:
    paths = [kept(site), site.project / "second.json"]
    saving.keep(site, saved_plan.read(paths[0]), paths[1], site.project / "ann")
    words = ["approve", *map(str, paths), "--key", "bob", "--yes"]
    found = CliRunner().invoke(main, words)
    assert found.exit_code == 0, found.output
    assert found.output.count("prod: approved by bob@example.com; signed by ann@") == 2
    for path in paths:
        assert len(approval.require(site, path)) == 2


def test_times_and_pulls_are_no_other_plan(site: Site) -> None:
    path = kept(site)
    approval.sign(site, path, site.project / "bob")
    saving.refuse_if_changed(site, path, [replace(TOUCH, downtime="down for 9 s", pulls="x:1")])


def test_a_plan_that_is_none_or_another_stacks_is_refused(site: Site) -> None:
    path = kept(site)
    other = replace(site, stack="test")
    with pytest.raises(NothingTouched, match="is a plan of the stack prod, and this is test"):
        saving.refuse_another(other, saved_plan.read(path), path)
    for text in ("", "[]", "{}", '{"format": 1}', '{"format": 2, "stack": "prod"}'):
        path.write_text(text)
        with pytest.raises(NothingTouched, match="isn't a plan of this exctl"):
            saved_plan.read(path)


def test_a_plan_is_never_overwritten_and_one_that_cant_be_signed_is_not_left(site: Site) -> None:
    path = kept(site)
    before = path.read_text()
    with pytest.raises(NothingTouched, match="already exists"):
        kept(site)
    assert path.read_text() == before
    path.unlink()
    saved = saving.saved_now(site, [TOUCH])
    with pytest.raises(NothingTouched, match="can't sign"):
        saving.keep(site, saved, path, site.project / "none")
    assert not path.exists()


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("up", "Instead of exctl up: exctl plan --out plan.json --stack prod; then exctl approve"),
        (
            "update excp --tag 2",
            "exctl plan excp --tag 2 --out plan.json --stack prod; then exctl approve plan.json"
            " --stack prod, by others; then exctl update excp --tag 2 --plan plan.json",
        ),
        ("rotate NAME", "exctl secret set NAME --stack prod; then exctl plan"),
        ("destroy", "remove `protect` from Pulumi.prod.yaml, where others see it"),
    ],
)
def test_a_command_without_a_plan_is_refused_with_the_way_on(
    site: Site, command: str, words: str
) -> None:
    with pytest.raises(NothingTouched) as refused:
        approval.refuse_without_plan(site, command)
    assert words in str(refused.value)


def test_a_stack_that_wants_no_approval_needs_no_key(site: Site) -> None:
    site.file.write_text(site.file.read_text().replace(PROTECT, ""))
    free = open_site(STACK)
    approval.refuse_without_plan(free, "up")
    path = kept(free)
    assert not (site.project / "plan.json.sigs").exists()
    saving.refuse_if_changed(free, path, [TOUCH])
    with pytest.raises(NothingTouched, match="names nobody who may sign"):
        approval.sign(free, path, site.project / "bob")
