"""The page of faults is the one that its measurements give, and no fault is left out in silence."""

from __future__ import annotations

import ast
import json

import pytest

from tests.lab.prober import Watch
from tests.lab.reliability import (
    FAULTS,
    MEASURED,
    PAGE,
    Row,
    files_that_note,
    merged,
    page,
    shortened,
)
from tests.lab.workspace import CLONE

CONTENT = json.loads(MEASURED.read_text())
ROWS = [Row(**row) for row in CONTENT["faults"]]


def test_the_page_is_the_one_that_the_measurements_give() -> None:
    assert PAGE.read_text() == page(CONTENT), "write it: python -m tests.lab.reliability"


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.fault)
def test_a_row_names_a_story_that_there_is_and_that_notes_its_fault(row: Row) -> None:
    file, _, name = row.story.partition("::")
    tree = ast.parse((CLONE / file).read_text())
    (story,) = (n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == name)
    assert "faced(" in ast.unparse(story)


def test_each_fault_has_one_file_of_stories() -> None:
    for fault in FAULTS:
        assert len(files_that_note(fault)) == 1, fault


def test_a_story_that_is_measured_again_has_one_row_in_the_order_of_the_faults() -> None:
    def row(fault: str, date: str) -> Row:
        return Row(fault, "tests/lab/test_x.py::test_y", 0, 0, 1, "words", "by itself", date)

    found = merged(
        [row("loss", "2026-01-01"), row("registry-down", "2026-01-01")], [row("loss", "2026-02-02")]
    )
    assert [(each.fault, each.date) for each in found] == [
        ("registry-down", "2026-01-01"),
        ("loss", "2026-02-02"),
    ]


def test_a_long_line_ends_at_a_word() -> None:
    found = shortened("a word " * 50)
    assert found.endswith((" a …", " word …"))
    assert len(found) <= 160


def test_the_longest_time_without_any_is_one_without_a_break() -> None:
    answers = [(t / 10, t / 10 + 0.01, 200 if t in (0, 5, 20) else 0) for t in range(21)]
    watch = Watch(("x",), {"x": answers})
    # A served probe stands for its interval and the next.
    assert watch.longest_without_any(["x"]) == pytest.approx(1.3)
    assert watch.seconds_without_any(["x"]) == pytest.approx(1.6)
