"""A soak does the same again for the same seed, makes no outage itself, and sees what grows."""

from __future__ import annotations

from dataclasses import fields, replace

from tests.soak.held import NAMES, Held, broken, table
from tests.soak.plan import BEFORE, DURING, OPERATIONS, plan, words

ZERO = Held(**dict.fromkeys((field.name for field in fields(Held)), 0))
FIRST = replace(ZERO, state_kib=40, containers=4, images=4, daemon_files=80)


def test_the_same_seed_makes_the_same_steps_and_another_one_others() -> None:
    assert plan(7, 50) == plan(7, 50)
    assert plan(7, 50) != plan(8, 50)
    assert plan(7, 20) == plan(7, 50)[:20]


def test_a_long_soak_has_every_operation_and_every_fault() -> None:
    steps = plan(1, 500)
    assert {step.operation for step in steps} == set(OPERATIONS)
    assert {step.fault for step in steps} == {None, *BEFORE, *DURING}
    assert all(words(step, "1") for step in steps)


def test_no_step_takes_both_of_the_pair_away() -> None:
    for step in plan(3, 500):
        if step.operation in ("stop and start", "drift repair") and step.fault in BEFORE:
            assert step.instance == step.fault_instance


def test_what_is_left_over_or_grows_is_named() -> None:
    assert broken(FIRST, FIRST, hosts=4, keep=3) == []
    now = replace(FIRST, processes=1, state_kib=90, images=17)
    assert broken(FIRST, now, hosts=4, keep=3) == [
        "processes of the operator's: 1, at most 0 allowed",
        "state, KiB: 90, at most 80 allowed",
        "images on the hosts: 17, at most 16 allowed",
    ]


def test_the_table_has_beginning_end_and_most_of_each() -> None:
    found = table([FIRST, replace(FIRST, processes=2), replace(FIRST, state_kib=41)])
    assert found["processes of the operator's"] == [0, 0, 2]
    assert found["state, KiB"] == [40, 41, 41]
    assert list(found) == list(NAMES.values())
