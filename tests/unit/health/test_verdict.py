"""How an instance is judged, in words too, and which of a pair goes first."""

from __future__ import annotations

import pytest

from health.pair import in_order, put_first
from health.probe import Answer
from health.verdict import Identity, Verdict, VerdictKind, judge
from hosts.container import ContainerState
from tests.unit.health.fakes import (
    HUNG,
    ID,
    MISSING,
    NOT_FORWARDED,
    OK,
    REFUSED,
    RUNNING,
    UNASKED,
    down,
    ours,
)

US = Identity(id=ID)


@pytest.mark.parametrize(
    ("answer", "state", "kind", "text"),
    [
        (OK, RUNNING, "healthy", "HTTP 200"),
        (down(redis="gone"), RUNNING, "unhealthy", "HTTP 503, redis is DOWN (gone)"),
        (REFUSED, RUNNING, "down", "connection refused"),
        (HUNG, RUNNING, "unknown", "no answer within 5 seconds"),
        (OK, ours("exited"), "foreign", "HTTP 200, but from another server: its container is"
         " exited"),
        (OK, ContainerState("running", id="ab" * 32), "foreign", "its container is another one (id"
         " abababababab, not of this stack)"),
        (HUNG, MISSING, "down", "its container is missing"),
        (OK, UNASKED, "unknown", "HTTP 200, but its container is unknown: ssh: Connection timed"
         " out"),
    ],
)  # fmt: skip
def test_an_answer_counts_with_what_docker_says_of_the_container(
    answer: Answer, state: ContainerState, kind: str, text: str
) -> None:
    verdict = judge(answer, state, US)
    assert (verdict.kind, str(verdict)) == (kind, text)


def test_labels_make_a_container_ours_where_its_id_isnt_known() -> None:
    labelled = Identity(labels={"exec.stack": "dev", "exec.instance": "excp-1-1"})
    assert judge(OK, RUNNING, labelled).is_healthy
    other = Identity(labels={"exec.stack": "prod", "exec.instance": "excp-1-1"})
    assert judge(OK, RUNNING, other).kind is VerdictKind.FOREIGN


def test_a_restart_since_the_first_look_is_told() -> None:
    assert judge(OK, ours("running", 0, 1), US, before=RUNNING).kind is VerdictKind.RESTARTED


def found(answer: Answer, state: ContainerState) -> Verdict:
    return judge(answer, state, US)


def test_the_one_that_doesnt_serve_goes_first() -> None:
    healthy, gone = found(OK, RUNNING), found(REFUSED, MISSING)
    ill, doubtful = found(down(), RUNNING), found(NOT_FORWARDED, RUNNING)
    for first, second in [
        (gone, healthy), (ill, healthy), (doubtful, healthy), (gone, ill), (ill, doubtful),
    ]:  # fmt: skip
        assert in_order({"1": second, "2": first}) == ("2", "1")
        assert in_order({"1": first, "2": second}) == ("1", "2")
    assert in_order({"1": healthy, "2": healthy}) == ("1", "2")


def test_who_is_wanted_first_stands_before_the_rest() -> None:
    assert put_first(["excp-1-1", "excp-1-2"], "") == ["excp-1-1", "excp-1-2"]
    assert put_first(["excp-1-1", "excp-1-2"], "excp-2-2, excp-1-2") == ["excp-1-2", "excp-1-1"]
