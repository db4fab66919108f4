"""PairGuard's rule as a table: who answers what, and whether the instance may be taken."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest

from health.errors import GateError
from health.gates.guard import GuardRule, refuse_to_take_the_last
from health.probe import Answer
from tests.unit.health.fakes import HUNG, OK, REFUSED, FakeClock, down

OWN = "http://10.77.0.103:3650/health"
PEER = "http://10.77.0.104:3650/health"
OLD_OWN = "http://10.77.0.105:3650/health"
OLD_PEER = "http://10.77.0.106:3650/health"
RULE = GuardRule("excp-1-1", "1", (OWN,), "excp-1-2", (PEER,))


@dataclass
class Pair:
    """Answers for each URL one after the other, the last for ever."""

    answers: dict[str, list[Answer]]
    clock: FakeClock = field(default_factory=FakeClock)

    def probe(self, url: str) -> Answer:
        answers = self.answers[url]
        return answers.pop(0) if len(answers) > 1 else answers[0]


def judge(
    answers: dict[str, Answer | list[Answer]], rule: GuardRule = RULE, allow_outage: bool = False
) -> tuple[str, float]:
    """What the guard said, refusal or not, and how many seconds it took."""
    pair = Pair({url: a if isinstance(a, list) else [a] for url, a in answers.items()})
    said: list[str] = []
    started = pair.clock.now
    try:
        refuse_to_take_the_last(rule, pair.probe, pair.clock, said.append, allow_outage)
    except GateError as error:
        said.append(f"REFUSED {error}")
    assert len(said) == 1
    return said[0], pair.clock.now - started


def test_an_instance_whose_peer_serves_may_be_taken() -> None:
    assert judge({OWN: OK, PEER: OK}) == ("excp-1-1: guard passed: its peer excp-1-2 serves", 0.0)


def test_the_first_deployment_passes_without_waiting() -> None:
    said, seconds = judge({OWN: REFUSED, PEER: REFUSED})
    assert said == (
        "excp-1-1: guard passed: it does not serve (connection refused), so nothing is lost"
    )
    assert seconds == 0


def test_a_broken_instance_may_be_put_right_while_its_peer_is_down() -> None:
    said, seconds = judge({OWN: down(redis="gone"), PEER: REFUSED})
    assert said == "excp-1-1: guard passed: it does not serve (HTTP 503), so nothing is lost"
    assert seconds == 2


def test_the_last_that_serves_is_not_taken() -> None:
    assert judge({OWN: OK, PEER: REFUSED}) == (
        "REFUSED excp-1-1 was not touched: its peer excp-1-2 does not serve (connection refused),"
        " so excp-1-1 is the last that serves pair 1.\n"
        f"  asked: {PEER}\n"
        "  excp-1-1 keeps serving as it was.\n"
        "  Put excp-1-2 right and run `exctl up` again.\n"
        "  To go on all the same and have the pair down meanwhile: `exctl up --allow-outage`"
        " (EXEC_ALLOW_OUTAGE=1 with plain pulumi).",
        2.0,
    )


@pytest.mark.parametrize("peer", [HUNG, down(), down(500), Answer(204)])
def test_a_peer_that_answers_anything_but_200_does_not_count(peer: Answer) -> None:
    assert judge({OWN: OK, PEER: peer})[0].startswith("REFUSED ")


def test_a_peer_stopped_on_purpose_cannot_take_over_either() -> None:
    said, _ = judge({OWN: OK, PEER: REFUSED}, replace(RULE, peer_stopped=True))
    assert said.startswith(
        "REFUSED excp-1-1 was not touched: its peer excp-1-2 is in `stopped` and does not serve"
        " (connection refused), so excp-1-1 is the last that serves pair 1.\n"
    )
    assert "\n  Take excp-1-2 out of `stopped` and run `exctl up` again.\n" in said


def test_an_outage_on_purpose_is_said_and_allowed() -> None:
    said, _ = judge({OWN: OK, PEER: HUNG}, allow_outage=True)
    assert said == (
        "excp-1-1: guard overruled by --allow-outage: its peer excp-1-2 does not serve"
        " (no answer within 5 seconds), so pair 1 is down until excp-1-1 is healthy again"
    )


def test_one_lost_answer_of_the_peer_stops_no_run() -> None:
    said, seconds = judge({OWN: OK, PEER: [HUNG, OK]})
    assert (said, seconds) == ("excp-1-1: guard passed: its peer excp-1-2 serves", 1.0)


def test_one_lost_answer_of_the_instance_does_not_make_it_free_to_take() -> None:
    assert judge({OWN: [HUNG, OK], PEER: REFUSED})[0].startswith("REFUSED ")


def test_an_instance_that_moves_still_serves_at_its_old_address() -> None:
    moving = replace(RULE, urls=(OWN, OLD_OWN))
    assert judge({OWN: REFUSED, OLD_OWN: OK, PEER: REFUSED}, moving)[0].startswith("REFUSED ")


def test_a_peer_that_moves_still_serves_at_its_old_address() -> None:
    moving = replace(RULE, peer_urls=(PEER, OLD_PEER))
    said, _ = judge({OWN: OK, PEER: REFUSED, OLD_PEER: OK}, moving)
    assert said == "excp-1-1: guard passed: its peer excp-1-2 serves"
