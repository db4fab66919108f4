"""What a registration says, read as the CLI reads it."""

from __future__ import annotations

import pytest

from engine.goals import Refused
from engine.monitor import seconds


@pytest.mark.parametrize(
    ("text", "found"), [("5m", "300"), ("1h30m", "5400"), ("1.5s", "1.5"), ("250ms", "0.25")]
)
def test_a_whole_number_of_seconds_is_stored_as_one(text: str, found: str) -> None:
    assert repr(seconds(text)) == found


def test_what_isnt_a_duration_is_refused() -> None:
    with pytest.raises(Refused, match="duration"):
        seconds("soon")
