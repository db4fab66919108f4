"""How far a push is, where nobody watches a terminal."""

from __future__ import annotations

import pytest

from exctl.images.progress import Bar


def test_a_log_has_a_line_now_and_then_and_no_bar(capsys: pytest.CaptureFixture[str]) -> None:
    for every_seconds in (0.0, 3600.0):
        bar = Bar("pushing excs:1", 200_000_000, every_seconds)
        bar.add(50_000_000)
        bar.end()
    said = capsys.readouterr()
    assert said.err == "pushing excs:1: 50.0 of 200.0 MB (25 %)\n"
    assert said.out == ""
