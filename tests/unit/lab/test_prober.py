"""The stories' watcher counts each moment without an answer, and none too many. No network."""

from __future__ import annotations

import pytest

from tests.lab.prober import Watch


def watch(**answers: list[tuple[float, float, int]]) -> Watch:
    return Watch(tuple(answers), dict(answers))


def steady(code: int, first: float, last: float) -> list[tuple[float, float, int]]:
    count = round((last - first) * 10)
    return [(first + n / 10 + 0.05, first + n / 10 + 0.06, code) for n in range(count)]


def test_one_that_always_answers_is_enough() -> None:
    assert watch(a=steady(200, 0, 2), b=steady(0, 0, 2)).seconds_without_any("ab") == 0


def test_a_gap_of_both_is_counted_in_full_but_for_the_slice_before() -> None:
    a = [*steady(200, 0, 1), *steady(0, 1, 2), *steady(200, 2, 3)]
    b = steady(503, 0, 3)
    assert watch(a=a, b=b).seconds_without_any("ab") == pytest.approx(0.9)


def test_a_hang_counts_as_long_as_it_lasts() -> None:
    a = [*steady(200, 0, 1), (1.0, 2.0, 0), (2.0, 3.0, 0), *steady(200, 3, 4)]
    assert watch(a=a).seconds_without_any("a") == pytest.approx(1.9)


def test_one_after_the_other_is_no_gap() -> None:
    a = [*steady(200, 0, 1), *steady(0, 1, 2), *steady(200, 2, 4)]
    b = [*steady(200, 0, 2), *steady(0, 2, 3), *steady(200, 3, 4)]
    assert watch(a=a, b=b).seconds_without_any("ab") == 0


def test_a_watcher_that_comes_late_between_two_that_were_served_has_seen_no_gap() -> None:
    a = [*steady(200, 0, 1), *steady(200, 1.6, 2)]
    b = steady(0, 0, 2)
    assert watch(a=a, b=b).seconds_without_any("ab") == 0
    unserved = [*steady(200, 0, 1), (1.5, 1.51, 0), *steady(200, 1.6, 2)]
    assert watch(a=unserved, b=b).seconds_without_any("ab") == pytest.approx(0.5)
    much_later = [*steady(200, 0, 1), *steady(200, 2.3, 3)]
    assert watch(a=much_later, b=steady(0, 0, 3)).seconds_without_any("ab") == pytest.approx(1.2)
