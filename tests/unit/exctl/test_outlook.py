"""What a plan means for those who are served, what is asked for it, and where a run pauses."""

from __future__ import annotations

import pytest

from exctl.errors import ExctlError, FailedRun
from exctl.observe import versions
from exctl.runs import canary, consent
from exctl.runs.options import RunOptions
from exctl.runs.outlook import Outlook, outages, without_excs
from exctl.runs.plan import Step, Touch, touches
from exctl.runs.scope import Scope
from health.probe import Answer
from health.verdict import Identity, Verdict, judge
from hosts.container import ContainerState
from hosts.docker import Container, Image
from stack.layout import Layout, build_layout
from tests.unit.exctl.sites import make_site
from tests.unit.health.fakes import HUNG, OK, REFUSED, RUNNING
from tests.unit.stack_file import StackFile

CONTAINER = "docker:index/container:Container"


def layout(stopped: list[str] | None = None) -> Layout:
    return build_layout(StackFile().put("stopped", stopped or []).config(), "dev")


def seen(**answers: Answer) -> dict[str, Verdict]:
    return {
        f"excp-1-{key[-1]}": judge(answer, RUNNING, Identity()) for key, answer in answers.items()
    }


def replacing(*keys: str) -> list[Step]:
    return [Step("replace", CONTAINER, f"container-{key}") for key in keys]


@pytest.mark.parametrize(
    ("stopped", "verdicts", "removed", "count"),
    [
        (["excp-1"], seen(of_1=OK, of_2=OK), {"excp-1-1", "excp-1-2"}, 1),
        (["excp-1-1"], seen(of_1=OK, of_2=OK), {"excp-1-1"}, 0),
        (["excp-1-1"], seen(of_1=OK, of_2=HUNG), {"excp-1-1"}, 1),
        (["excp-1-1"], seen(of_1=OK), {"excp-1-1"}, 1),
        (["excp-1-1"], seen(of_1=REFUSED, of_2=OK), {"excp-1-1"}, 0),
        (["excp-1-1"], seen(of_1=REFUSED, of_2=REFUSED), {"excp-1-1"}, 0),
        ([], {}, {"exas"}, 0),
        ([], {}, {"excp-9-1", "excp-9-2"}, 1),
    ],
)
def test_a_pair_that_serves_and_then_does_not_is_an_outage(
    stopped: list[str], verdicts: dict[str, Verdict], removed: set[str], count: int
) -> None:
    assert len(outages(layout(stopped), Outlook(verdicts), removed)) == count


def test_a_peer_that_this_run_brings_is_no_outage() -> None:
    outlook = Outlook(seen(of_1=OK, of_2=REFUSED), frozenset({"excp-1-2"}))
    assert outages(layout(["excp-1-1"]), outlook, {"excp-1-1"}) == []


def test_a_guard_whose_peer_is_stopped_or_on_a_silent_host_will_refuse() -> None:
    for found, verdicts, why in (
        (layout(["excp-1-2"]), seen(of_1=OK, of_2=REFUSED), "is in `stopped`"),
        (layout(), seen(of_1=OK), "does not serve (not asked"),
    ):
        (touch,) = touches(replacing("excp-1-1"), found, verdicts=verdicts)
        assert touch.refusal is not None
        assert f"its guard will refuse, since excp-1-2 {why}" in touch.downtime
        (meant,) = touches(replacing("excp-1-1"), found, verdicts=verdicts, allow_outage=True)
        assert meant.refusal is None
        assert "THE PAIR IS DOWN meanwhile" in meant.downtime


def test_a_peer_that_is_only_pending_elsewhere_mends_nothing() -> None:
    steps, verdicts = replacing("excp-1-1", "excp-1-2"), seen(of_1=OK, of_2=HUNG)
    both = {t.instance: t for t in touches(steps, layout(), verdicts=verdicts)}
    assert both["excp-1-1"].refusal is None
    alone = touches(steps, layout(), verdicts=verdicts, scope=Scope(frozenset({"excp-1-1"})))
    assert {t.instance: t for t in alone}["excp-1-1"].refusal is not None


def test_a_refused_plan_ends_before_it_is_asked_for() -> None:
    site = make_site()
    planned = touches(replacing("excp-1-1"), site.layout, verdicts=seen(of_1=OK, of_2=HUNG))
    with pytest.raises(ExctlError, match="excp-1-1 was not touched: its peer excp-1-2") as error:
        consent.require(site, RunOptions(yes=True), planned, Outlook())
    assert "the same command with --allow-outage" in error.value.text
    assert error.value.touched is False


def test_an_outage_wants_more_than_yes() -> None:
    site = make_site(stopped=["excp-1"])
    planned = touches(
        [Step("delete", CONTAINER, f"container-excp-1-{n}") for n in (1, 2)], site.layout
    )
    outlook = Outlook(seen(of_1=OK, of_2=OK))
    with pytest.raises(ExctlError, match=r"pair 1 stays down afterwards.*\n.*--allow-outage"):
        consent.require(site, RunOptions(yes=True), planned, outlook)
    consent.require(site, RunOptions(yes=True, allow_outage=True), planned, outlook)


def test_the_question_says_what_it_costs() -> None:
    site = make_site()
    planned = touches(replacing("excs"), site.layout)
    assert consent.question(site, planned, ["pair 1 is down"]) == (
        "pair 1 is down; exas and pair 1 may answer 503 while excs is down.\n"
        "Do it to the stack dev (tenant 1)?"
    )
    assert consent.question(site, [], []) == "Do it to the stack dev (tenant 1)?"
    assert without_excs(layout(["exas", "excp-1"])) == ""


def test_a_run_pauses_after_its_first_instance_or_pair() -> None:
    lanes = {"excs": "excs", "exas": "exas", "excp-1-1": "pair 1", "excp-1-2": "pair 1"}
    lanes |= {"excp-2-1": "pair 2"}
    planned = [Touch(key, "h", "replace", (), "", lane=lane) for key, lane in lanes.items()]
    assert canary.first_of(planned, None) == frozenset()
    assert canary.first_of(planned, "first") == {"excs"}
    assert canary.first_of(planned, "pair") == {"excs", "excp-1-1", "excp-1-2"}
    assert canary.first_of(planned[2:4], "first") == {"excp-1-1"}
    assert canary.first_of(planned[2:4], "pair") == frozenset()


def test_what_fails_after_the_pause_does_not_say_that_nothing_was_touched() -> None:
    site = make_site()
    first = [Touch("excp-1-1", "h", "replace", (), "")]
    with pytest.raises(FailedRun) as failed, canary.counted(site, first):
        raise FailedRun("x", touched=False)
    assert (failed.value.begun, failed.value.touched) == (("excp-1-1",), True)
    with pytest.raises(ExctlError) as refused, canary.counted(site, first):
        raise ExctlError("x", touched=False)
    assert refused.value.text == "x\n\nexcp-1-1 done before that. To go on: exctl up --stack dev"


def test_the_versions_of_containers_are_their_images_tags() -> None:
    (excs,) = layout().of("excs")
    place = excs.image.rpartition(":")[0]
    labels = {"exec.stack": "dev", "exec.instance": "excs"}
    ours = Container("id", "excs", "", ContainerState("running"), "sha256:abc", labels)
    tagged = [Image("sha256:abc", (f"{place}:1", f"{place}:{excs.tag}", "other:9"))]
    assert versions.version(excs, [ours], tagged) == excs.tag
    assert versions.version(excs, [ours], []) == "sha256:abc"
    assert versions.version(excs, [], tagged) == "no container"


def test_two_versions_in_a_pair_are_named() -> None:
    found = dict.fromkeys((i.key for i in layout().instances), "1") | {"excp-1-2": "2"}
    assert versions.shown(layout(), found) == (
        "running now: excs 1, exas 1, excp-1-1 1, excp-1-2 2;"
        " VERSION SKEW: the instances of pair 1 differ"
    )
    assert "SKEW" not in versions.shown(layout(), found | {"excp-1-2": "unknown"})
