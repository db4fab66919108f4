"""A site's hooks: what they are told, what they never are, and what becomes of one that hangs."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from exctl.errors import ExctlError, FailedRun, LeftOut, NothingTouched, RolledBack
from exctl.pulumi.workspace import create_stack
from exctl.runs import hooks
from exctl.runs.options import Outcome, RunOptions
from exctl.site import Site
from exctl.stackfile import secrets
from tests.unit.exctl.sites import make_site

HOW = RunOptions(message="why, with hidden-word")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    (tmp_path / "hooks").mkdir()
    monkeypatch.delenv("PULUMI_CONFIG_PASSPHRASE", raising=False)
    monkeypatch.delenv("PULUMI_CONFIG_PASSPHRASE_FILE", raising=False)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of-another")
    return make_site(project=tmp_path)


@pytest.fixture
def site_with_secret(site: Site, monkeypatch: pytest.MonkeyPatch) -> Site:
    """The same, with a secret in its stack file and the passphrase in the environment."""
    (site.project / "Pulumi.yaml").write_text("name: exec\nruntime: python\n")
    monkeypatch.setenv("PULUMI_BACKEND_URL", f"file://{site.project}")
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "the-passphrase")
    secrets.encrypt_in(create_stack(site), {"redisPassword": "hidden-word"})
    return site


def hook(site: Site, name: str, script: str) -> None:
    path = site.project / "hooks" / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def test_a_hook_is_told_of_the_run_and_of_no_secret(site_with_secret: Site) -> None:
    site = site_with_secret
    hook(site, "pre-up", "env > told")
    hooks.before(site, HOW, ["plan: hidden-word"], ["excs", "exas"])
    told = (site.project / "told").read_text()
    for line in (
        "EXEC_HOOK=pre-up",
        "EXEC_STACK=dev",
        "EXEC_MESSAGE=why, with [redacted]",
        "EXEC_PLAN=plan: [redacted]",
        "EXEC_INSTANCES=excs exas",
    ):
        assert f"{line}\n" in told
    assert not [word for word in ("PULUMI", "the-passphrase", "of-another") if word in told]


def test_what_a_hook_prints_is_redacted(
    site_with_secret: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    hook(site_with_secret, "post-up", "echo it is hidden-word; echo and the-passphrase >&2")
    hooks.after(site_with_secret, HOW, Outcome(("excs",)))
    assert capsys.readouterr().err == (
        "hooks/post-up: it is [redacted]\nhooks/post-up: and [redacted]\n"
    )


def test_pre_up_can_refuse_a_run_and_the_others_only_warn(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("pre-up", "post-up"):
        hook(site, name, "echo no ticket; exit 3")
    with pytest.raises(ExctlError, match=r"^hooks/pre-up ended with exit code 3, and so") as error:
        hooks.before(site, HOW, [], [])
    assert error.value.text.endswith("Nothing was touched.")
    hooks.after(site, HOW, Outcome(("excs",)))
    assert "warning: hooks/post-up ended with exit code 3" in capsys.readouterr().err
    (site.project / "hooks/pre-up").chmod(0o644)
    with pytest.raises(ExctlError, match="can't be run: Permission denied"):
        hooks.before(site, HOW, [], [])


def test_a_hook_that_hangs_is_ended_with_all_it_has_started(site: Site) -> None:
    hook(site, "pre-up", "(sleep 1; touch late) & sleep 60")
    began = time.monotonic()
    with pytest.raises(ExctlError, match=r"it ran for longer than 0\.3 s"):
        hooks.before(site, HOW, [], [], 0.3)
    assert time.monotonic() - began < 10
    time.sleep(1.2)
    assert not (site.project / "late").exists()


@pytest.mark.parametrize(
    ("error", "result"),
    [
        (RolledBack("x"), "rolled back"),
        (FailedRun("x", touched=False), "failed"),
        (LeftOut("x"), "left out"),
        (NothingTouched("x"), None),
    ],
)
def test_failed_is_called_once_a_run_had_begun(
    site: Site, error: ExctlError, result: str | None
) -> None:
    hook(site, "failed", 'echo "$EXEC_RESULT $EXEC_EXIT_CODE" > told')
    with pytest.raises(type(error)), hooks.reporting_failure(site, HOW):
        raise error
    told = site.project / "told"
    assert (told.read_text() if told.exists() else None) == (result and f"{result} {error.code}\n")
