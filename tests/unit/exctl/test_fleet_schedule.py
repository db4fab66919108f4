"""The scheduler of rollouts: what it holds whatever happens, and in which order it goes."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from exctl.fleet.schedule import (
    BAD,
    Ask,
    Bake,
    Finish,
    Outcome,
    Start,
    Step,
    Stop,
    Wave,
    next_steps,
)

ENDS = [Outcome.DONE] * 6 + [*BAD]


@dataclass
class Simulation:
    """A rollout with stand-in runs: each ends when the dice say so, and the whole may be killed at
    any moment. What is on the disk is all that survives: outcomes, approvals, bakes."""

    waves: tuple[Wave, ...]
    hosts: dict[str, frozenset[str]]
    dice: random.Random
    crash_share: float = 0.0
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    approved: set[str] = field(default_factory=set)
    baked: set[str] = field(default_factory=set)
    begun: list[str] = field(default_factory=list)
    crashes: int = 0

    def __post_init__(self) -> None:
        self.outcomes = {s: Outcome.WAITING for wave in self.waves for s in wave.stacks}

    def steps(self) -> list[Step]:
        return next_steps(
            self.waves, self.hosts, self.outcomes, frozenset(self.approved), frozenset(self.baked)
        )

    def running(self) -> list[str]:
        return [s for s, outcome in self.outcomes.items() if outcome is Outcome.RUNNING]

    def check(self) -> None:
        running = self.running()
        taken = [host for stack in running for host in self.hosts[stack]]
        assert len(taken) == len(set(taken)), "two stacks of one host at once"
        for number, wave in enumerate(self.waves):
            mine = [s for s in running if s in wave.stacks]
            assert len(mine) <= wave.max_parallel
            if not mine:
                continue
            assert not wave.approve or wave.name in self.approved
            for before in self.waves[:number]:
                of = [self.outcomes[s] for s in before.stacks]
                assert not {Outcome.WAITING, Outcome.RUNNING} & {*of}
                assert sum(outcome in BAD for outcome in of) <= before.max_failures
                assert (
                    not before.bake_seconds or before.name in self.baked or (Outcome.DONE not in of)
                )

    def crash(self) -> None:
        """Killed, and resumed from the disk: what ran has ended meanwhile, or never began."""
        self.crashes += 1
        kept = json.loads(json.dumps([self.outcomes, [*self.approved], [*self.baked]]))
        self.outcomes = {stack: Outcome(word) for stack, word in kept[0].items()}
        self.approved, self.baked = set(kept[1]), set(kept[2])
        for stack in self.running():
            self.outcomes[stack] = self.dice.choice([*ENDS, Outcome.WAITING])
        self.resume()

    def resume(self) -> None:
        for stack, outcome in self.outcomes.items():
            if outcome in BAD:
                self.outcomes[stack] = Outcome.WAITING

    def go(self) -> Step:
        """Until it stops or finishes."""
        for _ in range(20 * len(self.outcomes) + 100):
            if self.dice.random() < self.crash_share:
                self.crash()
            steps = self.steps()
            for step in steps:
                match step:
                    case Start(stack):
                        assert self.outcomes[stack] is Outcome.WAITING
                        self.outcomes[stack] = Outcome.RUNNING
                        self.begun.append(stack)
                        self.check()
                    case Ask(wave):
                        self.approved.add(wave.name)
                    case Bake(wave):
                        self.baked.add(wave.name)
                    case _:
                        assert not self.running()
                        return step
            if not steps:
                assert self.running(), "nothing runs and nothing is to be done"
            if (running := self.running()) and (not steps or self.dice.random() < 0.5):
                self.outcomes[self.dice.choice(running)] = self.dice.choice(ENDS)
        raise AssertionError("it never ends")


@st.composite
def simulations(draw: st.DrawFn, most: int = 25) -> Simulation:
    names = [f"t{number}" for number in range(draw(st.integers(1, most)))]
    machines = [f"h{number}" for number in range(draw(st.integers(1, most)))]
    shared = st.frozensets(st.sampled_from(machines), min_size=1, max_size=4)
    cuts = sorted(draw(st.sets(st.integers(1, len(names)), max_size=5)) | {len(names)})
    waves = tuple(
        Wave(
            f"w{end}",
            tuple(names[begin:end]),
            draw(st.integers(1, 8)),
            draw(st.integers(0, 3)),
            draw(st.sampled_from([0.0, 60.0])),
            draw(st.booleans()),
        )
        for begin, end in zip([0, *cuts], cuts, strict=False)
    )
    return Simulation(
        waves,
        {name: draw(shared) for name in names},
        random.Random(draw(st.integers())),
        draw(st.sampled_from([0.0, 0.05, 0.3])),
    )


@settings(max_examples=300)
@given(simulations())
def test_whatever_ends_and_whenever_it_is_killed_its_rules_hold(found: Simulation) -> None:
    end = found.go()
    of = found.outcomes
    if isinstance(end, Finish):
        assert all(outcome is Outcome.DONE or outcome in BAD for outcome in of.values())
    else:
        assert isinstance(end, Stop)
        assert sum(of[s] in BAD for s in end.wave.stacks) > end.wave.max_failures
        later = found.waves[found.waves.index(end.wave) + 1 :]
        assert {of[s] for wave in later for s in wave.stacks} <= {Outcome.WAITING}


@settings(max_examples=100)
@given(simulations())
def test_a_stopped_rollout_goes_on_until_every_stack_is_done(found: Simulation) -> None:
    done: set[str] = set()
    for _ in range(200):
        before = len(found.begun)
        end = found.go()
        assert not done & set(found.begun[before:]), "what is done is done again"
        done = {s for s, outcome in found.outcomes.items() if outcome is Outcome.DONE}
        if isinstance(end, Finish):
            return
        found.resume()
    raise AssertionError("it never finishes")


def test_two_hundred_stacks_with_crashes_go_through_by_their_waves() -> None:
    names = [f"t{number}" for number in range(200)]
    hosts = {name: frozenset({f"h{n // 2}", f"x{n}"}) for n, name in enumerate(names)}
    waves = (
        Wave("canary", tuple(names[:2]), 1, 0, 60.0),
        Wave("some", tuple(names[2:50]), 5, 5),
        Wave("all", tuple(names[50:]), 20, 150, 0.0, True),
    )
    for seed in range(5):
        found = Simulation(waves, hosts, random.Random(seed), crash_share=0.02)
        for _ in range(100):
            if isinstance(found.go(), Finish):
                break
            found.resume()
        assert found.crashes
        assert set(found.begun) == set(names)


def test_stacks_that_share_a_host_go_one_after_the_other_and_others_overtake() -> None:
    wave = Wave("w", ("a", "b", "c"), max_parallel=2)
    hosts = {"a": frozenset("12"), "b": frozenset("23"), "c": frozenset("4")}
    outcomes = dict.fromkeys("abc", Outcome.WAITING)
    assert next_steps((wave,), hosts, outcomes) == [Start("a"), Start("c")]


def test_a_wave_that_failed_more_than_it_may_lets_what_runs_end_and_begins_nothing() -> None:
    wave = Wave("w", ("a", "b", "c"), max_parallel=2)
    hosts = {name: frozenset(name) for name in "abc"}
    outcomes = {"a": Outcome.ROLLED_BACK, "b": Outcome.RUNNING, "c": Outcome.WAITING}
    assert next_steps((wave,), hosts, outcomes) == []
    outcomes["b"] = Outcome.DONE
    assert next_steps((wave,), hosts, outcomes) == [Stop(wave)]


def test_a_wave_of_which_all_is_left_out_needs_no_bake_and_no_approval() -> None:
    waves = (Wave("w", ("a",), bake_seconds=60, approve=True), Wave("x", ("b",)))
    hosts = {name: frozenset(name) for name in "ab"}
    outcomes = {"a": Outcome.SKIPPED, "b": Outcome.WAITING}
    assert next_steps(waves, hosts, outcomes) == [Start("b")]
