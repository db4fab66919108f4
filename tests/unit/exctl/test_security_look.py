"""The security report looks at the state where it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from exctl import backend
from exctl.observe import security
from tests.unit.exctl.sites import make_site


@pytest.mark.parametrize(
    ("directory", "above", "mode"), [(0o755, 0o755, 0o755), (0o755, 0o700, 0o700)]
)
def test_the_states_directory_is_looked_at_wherever_it_is(
    directory: int, above: int, mode: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = make_site(project=tmp_path)
    site.file.write_text("config: {}\n")
    state = tmp_path / "elsewhere/state"
    state.mkdir(parents=True)
    state.chmod(directory)
    state.parent.chmod(above)
    monkeypatch.setenv(backend.VARIABLE, f"file://{state}?metadata=skip")
    found = security.of_operator(site)
    assert (found.state_mode, found.state_directory) == (mode, str(state))
    monkeypatch.setenv(backend.VARIABLE, "s3://bucket")
    assert security.of_operator(site).state_mode is None
