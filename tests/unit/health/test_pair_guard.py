"""PairGuard's rule as a table: how either instance is, and whether the instance may be taken."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest

from health.errors import GateCode, GateError
from health.gates.events import shown
from health.gates.guard import GuardRule, require_serving_peer
from health.gates.runs import guard_places
from health.probe import Answer, Probe
from health.verdict import Identity, InstancePlace
from hosts.container import ContainerState, HostContainer
from tests.unit.health.fakes import (
    HUNG,
    ID,
    LABELS,
    MISSING,
    NOT_FORWARDED,
    OK,
    REFUSED,
    RUNNING,
    UNASKED,
    FakeClock,
    FakeContainer,
    down,
    ours,
)

OWN = "http://10.77.0.103:3650/health"
PEER = "http://10.77.0.104:3650/health"
RULE = GuardRule("excp-1-1", "1", (OWN,), "excp-1-2", (PEER,), "dev", "excp-1-1", "excp-1-2")

Seen = tuple[Answer, ContainerState]
SERVES: Seen = (OK, RUNNING)
ILL: Seen = (down(redis="gone"), RUNNING)
GONE: Seen = (REFUSED, MISSING)


@dataclass
class Instance:
    """Answers and states one after the other, the last of each for ever; `settled` is what a login
    of its own would tell."""

    looks: list[Seen]
    settled: Answer | None = None
    logins: int = field(default=0)

    def place(self) -> InstancePlace:
        answers = [answer for answer, _ in self.looks]

        def probe(_url: str) -> Answer:
            return answers.pop(0) if len(answers) > 1 else answers[0]

        container = FakeContainer([state for _, state in self.looks])
        return InstancePlace("", probe, container, Identity(id=ID), self._settle())

    def _settle(self) -> Probe | None:
        if self.settled is None:
            return None
        settled = self.settled

        def probe(_url: str) -> Answer:
            self.logins += 1
            return settled

        return probe


def one(seen: Seen | list[Seen] | Instance) -> Instance:
    if isinstance(seen, Instance):
        return seen
    return Instance(seen if isinstance(seen, list) else [seen])


@dataclass
class Judged:
    """What the guard said, refusal or not, and how many seconds it took."""

    said: str
    seconds: float
    code: GateCode | None = None

    @property
    def passed(self) -> bool:
        return self.code is None


def judge(
    own: Seen | list[Seen] | Instance,
    peer: Seen | list[Seen] | Instance,
    rule: GuardRule = RULE,
    allow_outage: bool = False,
) -> Judged:
    clock = FakeClock()
    said: list[str] = []
    started = clock.now
    places = [[one(seen).place()] for seen in (own, peer)]
    code = None
    try:
        require_serving_peer(
            rule, places[0], places[1], clock, lambda e: said.append(shown(e)), allow_outage
        )
    except GateError as error:
        said.append(str(error))
        code = error.failure.code
    assert len(said) == 1
    return Judged(said[0], clock.now - started, code)


def test_an_instance_whose_peer_serves_may_be_taken() -> None:
    judged = judge(SERVES, SERVES)
    assert judged == Judged("excp-1-1: guard passed: its peer excp-1-2 serves", 0.0)


def test_the_first_deployment_passes_without_waiting() -> None:
    assert judge(GONE, GONE) == Judged(
        "excp-1-1: guard passed: it does not serve (its container is missing), so nothing is lost",
        0.0,
    )


def test_the_last_that_serves_is_not_taken() -> None:
    judged = judge(SERVES, (REFUSED, ours("exited", 1)))
    assert (judged.code, judged.seconds) == (GateCode.LAST_OF_PAIR, 2.0)
    assert judged.said == (
        "excp-1-1 was not touched: its peer excp-1-2 does not serve (its container is exited),"
        " so excp-1-1 is the last that serves pair 1.\n"
        f"  asked: {PEER}; container of excp-1-2: exited, last started 2026-11-22 09:00:00 UTC,"
        " exit code 1, restarted 0 times\n"
        "  excp-1-1 stays as it was.\n"
        "  Fix excp-1-2 and run `exctl up` again.\n"
        "  If this run fixes excp-1-2, let it go first: EXEC_PAIR_FIRST=excp-1-2 pulumi up"
        " (exctl does so automatically).\n"
        "  To go on anyway, with the pair down meanwhile: `exctl up --allow-outage`"
        " (EXEC_ALLOW_OUTAGE=1 with plain pulumi)."
    )


@pytest.mark.parametrize("answer", [HUNG, down(), down(500), Answer(204), NOT_FORWARDED])
def test_a_peer_that_answers_anything_but_200_does_not_count(answer: Answer) -> None:
    assert judge(SERVES, (answer, RUNNING)).code is GateCode.LAST_OF_PAIR


@pytest.mark.parametrize(
    ("own", "is_certain"),
    [
        ((REFUSED, RUNNING), True),
        ((REFUSED, UNASKED), True),
        ((REFUSED, ours("restarting", 1, 7)), True),
        ((HUNG, MISSING), True),
        ((NOT_FORWARDED, ours("exited", 1)), True),
        ((OK, ours("exited", 1)), True),
        ((HUNG, RUNNING), False),
        ((HUNG, UNASKED), False),
        ((NOT_FORWARDED, RUNNING), False),
        ((NOT_FORWARDED, UNASKED), False),
        ((OK, UNASKED), False),
        ((OK, MISSING), False),
        ((Answer(204), RUNNING), False),
        ((down(), RUNNING), False),
        ((down(), UNASKED), False),
        ((HUNG, ours("paused")), False),
        ((REFUSED, ContainerState("running", id="ab")), False),
    ],
)
def test_only_certainty_lets_an_instance_go_without_its_peer(own: Seen, is_certain: bool) -> None:
    judged = judge(own, GONE)
    assert judged.passed is is_certain, judged.said
    if not is_certain:
        assert judged.code is GateCode.IN_DOUBT
        assert "and excp-1-1 may still serve pair 1 (" in judged.said


def test_a_closed_port_behind_ssh_is_told_by_a_login_of_its_own() -> None:
    closed = Instance([(NOT_FORWARDED, RUNNING)], settled=REFUSED)
    blind = Instance([(NOT_FORWARDED, RUNNING)], settled=NOT_FORWARDED)
    assert judge(closed, GONE).passed
    assert closed.logins == 1
    assert judge(blind, GONE).code is GateCode.IN_DOUBT
    assert judge(blind, SERVES).passed


def test_of_two_that_say_alike_that_they_are_ill_one_may_be_taken() -> None:
    judged = judge(ILL, (down(503), RUNNING))
    assert judged.said == (
        "excp-1-1: guard passed: neither it nor its peer excp-1-2 is healthy (HTTP 503, redis is"
        " DOWN (gone))"
    )


@pytest.mark.parametrize(
    "peer", [(OK, ours("exited", 1)), (OK, UNASKED), (OK, ContainerState("running", id="ab"))]
)
def test_a_200_that_isnt_the_peers_own_does_not_count(peer: Seen) -> None:
    assert judge(SERVES, peer).code is GateCode.LAST_OF_PAIR


def test_a_peer_that_crashes_behind_anothers_answer_does_not_count() -> None:
    crashing: list[Seen] = [(OK, ours("running", 0, n)) for n in range(1, 20)]
    assert judge(SERVES, crashing).code is GateCode.LAST_OF_PAIR
    assert judge(SERVES, (OK, ours("running", 0, 5))).passed


def test_a_peer_stopped_on_purpose_cannot_take_over_either() -> None:
    judged = judge(SERVES, GONE, replace(RULE, peer_stopped=True))
    assert judged.said.startswith(
        "excp-1-1 was not touched: its peer excp-1-2 is in `stopped` and does not serve"
        " (its container is missing), so excp-1-1 is the last that serves pair 1.\n"
    )
    assert "\n  Take excp-1-2 out of `stopped` and run `exctl up` again.\n" in judged.said


def test_an_outage_on_purpose_is_said_and_allowed() -> None:
    assert judge(SERVES, (HUNG, RUNNING), allow_outage=True).said == (
        "excp-1-1: guard overruled by --allow-outage: its peer excp-1-2 does not serve"
        " (no answer within 5 seconds), so pair 1 may be down until excp-1-1 is healthy again"
    )


def test_one_lost_answer_of_the_peer_stops_no_run() -> None:
    judged = judge(SERVES, [(HUNG, RUNNING), SERVES])
    assert (judged.passed, judged.seconds) == (True, 1.0)


def test_one_lost_answer_of_the_instance_does_not_make_it_free_to_take() -> None:
    assert not judge([(HUNG, RUNNING), SERVES], GONE).passed
    assert not judge([(down(), RUNNING), SERVES, (down(), RUNNING)], ILL).passed


def test_the_place_of_the_last_run_counts_with_the_container_it_had_there() -> None:
    reach = {"via": "direct", "ssh": '{"user": "genesys", "known_hosts_path": "known_hosts"}'}
    rule = {"urls": [OWN], "container_name": "t-excp-1-1", "stack": "dev"}
    old = "http://10.77.0.105:3650/health"
    olds = {"urls": [OWN, old], "container_name": "excp-1-1"}
    news = {"rule": rule, "reach": reach}
    places = guard_places(olds, news, "urls", "container_name", "excp-1-1")
    found = [(place.url, place.container, place.identity) for place in places]
    assert [(u, c.name, i) for u, c, i in found if isinstance(c, HostContainer)] == [
        (OWN, "t-excp-1-1", Identity(labels=LABELS)),
        (OWN, "excp-1-1", Identity()),
        (old, "excp-1-1", Identity()),
    ]


def test_an_instance_that_moves_still_serves_at_its_old_address() -> None:
    new, old = one(GONE).place(), one(SERVES).place()
    with pytest.raises(GateError):
        require_serving_peer(RULE, [new, old], [new], FakeClock(), print, False)


def test_a_peer_that_moves_still_serves_at_its_old_address() -> None:
    new, old = one(GONE).place(), one(SERVES).place()
    said: list[str] = []
    require_serving_peer(
        RULE, [old], [new, old], FakeClock(), lambda e: said.append(shown(e)), False
    )
    assert said == ["excp-1-1: guard passed: its peer excp-1-2 serves"]
