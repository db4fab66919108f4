"""The language host, dynamic providers and the command plugin do what Pulumi's own did."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.plugins.recordings import Recording


@pytest.mark.parametrize("case", ["02-dynamic-life", "06-components", "28-command"])
def test_state_and_events_are_what_the_official_plugins_gave(case: str, tmp_path: Path) -> None:
    assert Recording(case).replay(tmp_path / "work") == ""
