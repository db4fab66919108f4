"""What is left of runs: every one of them in the history, whatever ended it."""

from __future__ import annotations

import json
import stat
from typing import Any

import pytest

from tests.lab.conftest import Site
from tests.lab.operator import Running, approvers, exctl

pytestmark = [pytest.mark.lab, pytest.mark.long]


def history(site: Site, *arguments: str) -> list[dict[str, Any]]:
    found = json.loads(exctl(site, "history", "--json", *arguments).stdout)
    assert found["problems"] == []
    runs: list[dict[str, Any]] = found["runs"]
    return runs


def events(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture(scope="module", autouse=True)
def said(site: Site) -> list[dict[str, Any]]:
    """What the first deployment said, before any story."""
    return events(exctl(site, "up", "--yes", "--json", "-m", "first").stdout)


def test_a_program_follows_a_run_by_its_events(site: Site, said: list[dict[str, Any]]) -> None:
    kinds = [event["kind"] for event in said]
    assert (kinds[0], kinds[-1]) == ("begun", "ended")
    assert {"preflight", "plan", "step", "healthy", "synced", "instances", "release"} <= {*kinds}
    assert [t["instance"] for t in said[kinds.index("plan")]["touches"]] == [*site.hosts]
    healthy = {event["instance"] for event in said if event["kind"] == "healthy"}
    assert healthy == {*site.hosts}
    assert said[-1]["release"] == 1
    run, *_ = history(site)
    assert (run["result"], run["why"]) == ("succeeded", "first")
    assert run["plan"] == {k: v for k, v in said[kinds.index("plan")].items() if k in run["plan"]}


def test_a_run_that_rolled_back_one_that_was_killed_and_one_that_was_declined_are_in_it(
    site: Site,
) -> None:
    bad = exctl(site, "update", "exas", "--tag", "100.0.100.13", "--yes", "--json", code=3)
    assert [e["kind"] for e in events(bad.stdout)].count("plan") == 2
    killed = Running(site, "restart", "exas", "--yes")
    killed.wait_for("preflight")
    killed.kill()
    asked = Running(site, "restart", "exas", terminal=True)
    asked.wait_for("[y/N]")
    asked.type("n\n")
    asked.end(130)
    *_, back, cut, declined = history(site)
    assert (back["result"], back["exit_code"]) == ("rolled back", 3)
    assert cut["result"] == "killed"
    assert (declined["result"], declined["touched"]) == ("declined", False)
    (run,) = history(site, str(back["number"]))
    assert "rolling back to release 1" in run["transcript"]
    assert "crashes again and again" in run["transcript"]
    (run,) = history(site, str(declined["number"]))
    assert "no\n" in run["transcript"]


def test_a_stack_that_wants_approvals_deploys_what_was_approved_and_nothing_else(
    site: Site,
) -> None:
    before, container = site.stack_file.read_text(), site.container_id_on_host("exas")
    site.work.edit("protect", {"approvals": 1, "allowed_signers_path": approvers(site)})
    site.work.edit("exas.environment", {"SHIFT": "late"})
    up = ("up", "--yes", "--plan", "plan.json")
    try:
        assert "exctl plan --out plan.json" in exctl(site, "up", "--yes", code=2).stderr
        exctl(site, "plan", "--out", "plan.json", "--key", "ann", "-m", "ticket 7")
        assert "1 more signature, by other people" in exctl(site, *up, code=2).stderr
        assert site.container_id_on_host("exas") == container
        shown = exctl(site, "approve", "plan.json", "--key", "bob", "--yes").stdout
        assert "exas on" in shown
        assert "approved by bob; signed by ann, bob" in shown
        exctl(site, *up)
        assert site.container_id_on_host("exas") != container
        records = (site.work.directory / "releases/dev/audit.jsonl").read_text().splitlines()
        ended = json.loads(records[-1])
        assert ended["approved_by"] == ["ann", "bob"]
        again = exctl(site, *up, code=2).stderr
        assert f"no longer planned: exas on {site.hosts['exas']}: replace" in again
    finally:
        site.stack_file.write_text(before)
    exctl(site, "up", "--yes")


def test_no_secret_is_in_what_is_kept_and_transcripts_are_not_for_everybody(site: Site) -> None:
    secret = "a-new-password-of-nobody"
    exctl(site, "secret", "set", "redisPassword", text=secret)
    kept = site.work.directory / "releases/dev"
    transcripts = list((kept / "runs").iterdir())
    assert len(transcripts) == len(history(site))
    for path in [kept / "audit.jsonl", *transcripts]:
        assert not [s for s in (*site.secrets, secret) if s in path.read_text()], path
    assert not [path for path in transcripts if stat.S_IMODE(path.stat().st_mode) & 0o007]


def test_the_records_are_proved_by_the_release_and_by_pulumis_own_history(site: Site) -> None:
    (whole,) = json.loads(exctl(site, "audit", "verify", "--json").stdout)
    assert whole["is_whole"]
    assert whole["checked_against"]["releases"] >= 1
    assert whole["checked_against"]["Pulumi's updates"] >= 1
    kept = site.work.directory / "releases/dev/audit.jsonl"
    text = kept.read_text()
    kept.write_text("")
    said = exctl(site, "audit", "verify", code=4).stdout
    assert "release 1 names the record" in said
    assert "Pulumi's update of" in said
    kept.write_text(text)
    exctl(site, "audit", "verify")
