"""Where the state is: what the environment says comes before Pulumi.yaml."""

from __future__ import annotations

from pathlib import Path

import pytest

from exctl import backend

HERE = Path("/clone")


@pytest.mark.parametrize(
    ("named", "found"),
    [
        ("file:///srv/state?metadata=skip", Path("/srv/state")),
        ("file://./state", HERE / "state"),
        ("file://~/state", Path("/home/op/state")),
        ("postgres://host/state?x=file://", None),
        ("s3://bucket/state", None),
    ],
)
def test_a_state_in_files_has_a_directory(
    named: str, found: Path | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/op")
    monkeypatch.setenv(backend.VARIABLE, named)
    assert backend.directory(HERE) == found


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("name: x\nbackend:\n  url: file://./mine\n", "file://./mine"),
        ("name: x\nbackend: {}\n", ""),
        ("name: x\nbackend:\n", ""),
        ("name: x\n", ""),
        ("[not: yaml", ""),
        (None, ""),
    ],
)
def test_pulumi_yaml_says_it_where_the_environment_is_silent(
    text: str | None, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if text is not None:
        (tmp_path / "Pulumi.yaml").write_text(text)
    monkeypatch.delenv(backend.VARIABLE, raising=False)
    assert backend.url(tmp_path) == url
    monkeypatch.setenv(backend.VARIABLE, "s3://bucket")
    assert backend.url(tmp_path) == "s3://bucket"
