"""The plan that a run shows first, and Pulumi's events as lines. Pure; no Pulumi runs here."""

from __future__ import annotations

import pytest
from pulumi.automation.events import EngineEvent

from exctl.pulumi.state import State
from exctl.runs import pairs
from exctl.runs.downtime import Known
from exctl.runs.events import StepLog, without_wrapping
from exctl.runs.plan import Step, lines, step_of, touches
from exctl.runs.scope import Scope
from health.errors import GateCode, GateFailure
from health.gates.events import Event, NotHealthyYet, Synced, as_json
from health.probe import Answer
from health.verdict import Identity, Verdict, VerdictKind, judge
from stack.layout import Layout, build_layout
from tests.unit.health.fakes import HUNG, OK, REFUSED, RUNNING
from tests.unit.stack_file import StackFile

CONTAINER = "docker:index/container:Container"
GATE = "pulumi-python:dynamic/exec:HealthGate"
URN = "urn:pulumi:dev::exec::exec:components:Connector$docker:index/container:Container::"


def layout(file: StackFile | None = None) -> Layout:
    return build_layout((file or StackFile()).config(), "dev")


def test_a_urn_gives_type_and_name() -> None:
    step = step_of("create", f"{URN}container-excp-1-1")
    assert step == Step("create", CONTAINER, "container-excp-1-1")


def test_a_container_that_has_only_stopped_is_started_again() -> None:
    urn = f"{URN}container-exas"
    assert step_of("update", urn, ["mustRun", "restart"]).op == "update"
    (touch,) = touches([step_of("update", urn, ["mustRun"])], layout())
    assert str(touch) == "exas on 10.77.0.102: start again; it has stopped"


def test_a_plan_follows_the_order_of_deployment_and_names_its_gates() -> None:
    steps = [
        Step("create", CONTAINER, "container-exas"),
        Step("create", CONTAINER, "container-excs"),
        Step("create", GATE, "health-excs"),
        Step("create", "pulumi-python:dynamic/exec:SyncGate", "sync-excs"),
        Step("same", CONTAINER, "container-excp-1-1"),
    ]
    assert [str(touch) for touch in touches(steps, layout())] == [
        "excs on 10.77.0.101: start; waits for health, sync; nothing of this stack runs there now",
        "exas on 10.77.0.102: start; nothing of this stack runs there now",
    ]


def test_a_replacement_is_one_touch_and_says_who_serves_meanwhile() -> None:
    steps = [
        Step(op, CONTAINER, "container-excp-1-2")
        for op in ("delete-replaced", "replace", "create-replacement")
    ]
    (touch,) = touches(steps, layout())
    assert (touch.verb, touch.downtime) == ("replace", "excp-1-1 serves meanwhile")


def test_a_pair_whose_other_instance_is_stopped_is_down_meanwhile() -> None:
    found = layout(StackFile().put("stopped", ["excp-1-1"]))
    (touch,) = touches([Step("replace", CONTAINER, "container-excp-1-2")], found)
    assert touch.downtime == "the pair is down meanwhile"


@pytest.mark.parametrize(
    ("stopped", "downtime"),
    [
        (["excp-1-1"], "down afterwards; excp-1-2 serves alone"),
        (["excp-1"], "down afterwards"),
        (["exas"], "down afterwards"),
    ],
)
def test_a_stop_says_what_serves_from_then_on(stopped: list[str], downtime: str) -> None:
    found = layout(StackFile().put("stopped", stopped))
    key = "excp-1-1" if stopped[0].startswith("excp") else stopped[0]
    (touch,) = touches([Step("delete", CONTAINER, f"container-{key}")], found)
    assert touch.downtime == downtime


def test_an_instance_that_left_the_stack_file_is_removed_last() -> None:
    steps = [
        Step("delete", CONTAINER, "container-excp-9-1"),
        Step("replace", CONTAINER, "container-exas"),
    ]
    assert [(t.instance, t.verb) for t in touches(steps, layout())] == [
        ("exas", "replace"),
        ("excp-9-1", "remove"),
    ]


def event(kind: str, **content: object) -> EngineEvent:
    return EngineEvent.from_json({"sequence": 1, "timestamp": 1, kind: content})


def diagnostic(severity: str, message: str, urn: str = f"{URN}health-excs") -> EngineEvent:
    return event(
        "diagnosticEvent", urn=urn, prefix="", message=message, color="raw", severity=severity
    )


def test_a_gates_progress_is_shown_as_it_speaks() -> None:
    said: list[str] = []
    StepLog(said.append).on_event(diagnostic("info", "<{%reset%}>excs: sync 34%<{%reset%}>\n"))
    assert [line.split(" s  ")[1] for line in said] == ["excs: sync 34%"]


def test_an_event_of_a_gate_is_shown_as_a_sentence_and_kept() -> None:
    said: list[str] = []
    log = StepLog(said.append, is_live=True)
    events: list[Event] = [
        Synced("excs", 31.0),
        NotHealthyYet("exas", VerdictKind.DOWN, "refused", 9, 60),
    ]
    for event in events:
        log.on_event(diagnostic("info", as_json(event)))
    assert [line.split(" s  ")[1] for line in said] == ["excs: sync complete after 31 s"]
    assert log.events == events[:1]


def test_a_gates_failure_is_read_as_data_and_told_once_without_its_ways_on() -> None:
    log = StepLog(lambda _line: None)
    failure = GateFailure(
        GateCode.NOT_HEALTHY, "excs", "excs is not healthy.", ("Seen: error: x",), ("Go on.",)
    )
    gate = f"urn:pulumi:dev::exec::{GATE}::health-excs"
    for text in (f"Traceback…\nRuntimeError: {failure.marked()}", failure.marked()):
        log.on_event(diagnostic("error", text, gate))
    assert log.gate_failures == [failure]
    assert log.errors == ["excs is not healthy.\n  Seen: error: x"]


def test_the_programs_own_traceback_is_kept_back() -> None:
    said: list[str] = []
    log = StepLog(said.append)
    stack = "urn:pulumi:dev::exec::pulumi:pulumi:Stack::exec-dev"
    log.on_event(diagnostic("info#err", "Traceback (most recent call last):\n", stack))
    assert not said
    assert log.program_words == ["Traceback (most recent call last):"]


def test_an_error_is_shown_in_our_words_once() -> None:
    log = StepLog(lambda _line: None)
    message = (
        "error: Exception calling application: excs on h is not healthy.\n  last answer: HTTP 503\n"
    )
    gate = f"urn:pulumi:dev::exec::{GATE}::health-excs"
    log.on_event(diagnostic("error", message, gate))
    log.on_event(diagnostic("error", message, gate))
    log.on_event(
        diagnostic("error", "update failed", "urn:pulumi:dev::exec::pulumi:pulumi:Stack::s")
    )
    assert log.errors == ["excs on h is not healthy.\n  last answer: HTTP 503"]


def test_an_error_of_another_resource_names_it() -> None:
    log = StepLog(lambda _line: None)
    log.on_event(diagnostic("error", "no such image", f"{URN}image-exas"))
    assert log.errors == ["image-exas: no such image"]


def test_a_log_line_that_looks_like_a_traceback_stays() -> None:
    text = "excs on h crashes.\n  | Traceback (most recent call last):\n  | ValueError"
    assert without_wrapping(text) == text


IMAGE = "docker:index/remoteImage:RemoteImage"


def test_a_plan_is_numbered_as_it_happens_with_pulls_first_and_pairs_side_by_side() -> None:
    steps = [
        Step("create", IMAGE, "image-exas"),
        Step("replace", CONTAINER, "container-exas"),
        Step("update", GATE, "health-exas"),
        Step("replace", CONTAINER, "container-excp-1-1"),
        Step("replace", CONTAINER, "container-excp-1-2"),
        Step("delete", CONTAINER, "container-excp-9-1"),
    ]
    known = {"exas": Known(down_seconds=7.0), "excp-1-1": Known(healthy_seconds=3.0)}
    found = layout()
    image = next(i.image for i in found.instances if i.key == "exas")
    assert lines(touches(steps, found, known)) == [
        "plan, in this order:",
        "  1. images, pulled where a host lacks them, before anything is touched:",
        f"       {image} on 10.77.0.102",
        "  2. side by side:",
        "       exas on 10.77.0.102: replace; waits for health; agent states are missed until it is"
        " healthy again (about 7 s)",
        "       excp-1-1 on 10.77.0.103: replace; excp-1-2 serves meanwhile (about 3 s, and up to"
        " 30 s to stop)",
        "         then excp-1-2 on 10.77.0.104: replace; excp-1-1 serves meanwhile",
        "  3. excp-9-1 on a host no longer in the stack file: remove; gone for good",
    ]


def pair_steps() -> list[Step]:
    return [Step("replace", CONTAINER, f"container-excp-1-{n}") for n in (1, 2)]


def seen(own: Answer, peer: Answer) -> dict[str, Verdict]:
    answers = {"excp-1-1": own, "excp-1-2": peer}
    return {key: judge(answer, RUNNING, Identity()) for key, answer in answers.items()}


def test_in_the_plan_too_the_one_that_does_not_serve_goes_first() -> None:
    verdicts = seen(OK, REFUSED)
    first, second = touches(pair_steps(), layout(), verdicts=verdicts)
    assert (first.instance, first.downtime) == ("excp-1-2", "excp-1-1 serves meanwhile")
    assert second.downtime == "only once excp-1-2 is healthy, which serves meanwhile"
    assert pairs.first(layout(), verdicts, Scope(), State(3, {})) == ["excp-1-2"]
    assert pairs.first(layout(), seen(OK, OK), Scope(), State(3, {})) == []


def test_a_run_of_one_of_a_pair_keeps_the_order_of_the_state() -> None:
    urns = {name: f"{URN}{name}" for name in ("guard-excp-1-1", "health-excp-1-2")}
    swapped = {"urn": urns["guard-excp-1-1"], "dependencies": [urns["health-excp-1-2"]]}
    one = Scope(frozenset({"excp-1-1"}))
    for rows, order in (([swapped], ["excp-1-2"]), ([], [])):
        known = State(3, {"resources": rows})
        for verdicts in (seen(OK, OK), seen(OK, REFUSED), {}):
            assert pairs.first(layout(), verdicts, one, known) == order


def test_a_plan_foresees_that_the_guard_will_refuse() -> None:
    (touch,) = touches(pair_steps()[:1], layout(), verdicts=seen(OK, HUNG))
    assert touch.downtime == (
        "its guard will refuse, since excp-1-2 does not serve (no answer within 5 seconds)"
    )


def test_a_gate_that_waits_for_what_stays_is_in_the_plan() -> None:
    (touch,) = touches(
        [Step("create", "pulumi-python:dynamic/exec:SyncGate", "sync-excs")], layout()
    )
    assert str(touch) == "excs on 10.77.0.101: stays as it is; waits for sync; no downtime"


def test_the_whole_time_is_that_of_the_longest_way() -> None:
    steps = [
        Step("replace", CONTAINER, f"container-{key}")
        for key in ("excs", "exas", "excp-1-1", "excp-1-2")
    ]
    known = {
        "excs": Known(down_seconds=20), "exas": Known(down_seconds=5),
        "excp-1-1": Known(down_seconds=4), "excp-1-2": Known(down_seconds=4),
    }  # fmt: skip
    assert lines(touches(steps, layout(), known))[-1] == ("as long as last time: 28 s, and pulls")


def test_a_guards_refusal_says_how_to_go_on_on_purpose_and_a_gates_failure_does_not() -> None:
    for code, is_refusal in ((GateCode.LAST_OF_PAIR, True), (GateCode.NOT_HEALTHY, False)):
        log = StepLog(lambda _line: None)
        failure = GateFailure(code, "excp-1-1", "excp-1-1 was not touched.", ("asked: …",), ("x",))
        log.on_event(diagnostic("error", failure.marked()))
        (said,) = log.errors
        assert said.startswith("excp-1-1 was not touched.\n  asked: …")
        assert ("the same command with --allow-outage" in said) == is_refusal
