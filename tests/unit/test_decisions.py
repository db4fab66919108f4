"""Every decision says when it was made and whether it still holds."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.unit.stack_file import CLONE

DECISIONS = sorted((CLONE / "docs/decisions").glob("*.md"))
STANDING = re.compile(
    r"Date: \d{4}-\d\d-\d\d\. Status: (accepted|superseded by \[(\d{4})\]\((.+?)\))\."
)


@pytest.mark.parametrize("path", DECISIONS, ids=lambda path: path.name[:4])
def test_a_decision_has_its_number_a_date_and_a_status(path: Path) -> None:
    title, blank, standing = path.read_text("utf-8").splitlines()[:3]
    assert title.startswith(f"# {path.name[:4]}: ")
    assert not blank
    found = STANDING.match(standing)
    assert found is not None, standing
    assert found[3] is None or (path.parent / found[3]).is_file()


def test_no_two_decisions_have_one_number() -> None:
    numbers = [path.name[:4] for path in DECISIONS]
    assert len(numbers) == len(set(numbers)) > 5
